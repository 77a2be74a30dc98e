import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

import type { HeaderList } from '../../detectors/request.js'
import { GatewayError } from '../errors.js'
import type { CoarseClock } from '../listener/strict/coarse-clock.js'
import type { Endpoint } from './endpoint.js'
import type { UpstreamFlow, UpstreamHandler, UpstreamRequest } from './request.js'
import { BodyPump, requestHead, writeWhole } from './request-writer.js'
import { ResponseReader } from './response-reader.js'
import type { ResponseReceiver } from './response-reader.js'
import { isTimeout, timedOut } from './upstream-error.js'

/** Where connections go and how long they may take, in milliseconds. */
export interface ConnectionTarget extends Endpoint {
  readonly connectMs: number
  readonly headersMs: number
  readonly bodyMs: number
  /** Without a request, a connection is kept so long, or as long as the other side says if that is less. */
  readonly idleMs: number
}

/** What a connection tells the pool that it belongs to. */
export interface ConnectionOwner {
  readonly clock: CoarseClock
  /** Of an earlier connection, to be resumed. */
  tlsSession: Buffer | undefined
  /** The answer is complete, or failed, or nobody wants it any more. */
  settled(): void
  /** It can carry another request. */
  free(connection: Connection): void
  /** It carries nothing more. */
  gone(connection: Connection): void
  /** It broke before any byte of the answer, as a kept connection may at any time, and the request may be sent again. */
  repeat(call: Call): void
}

/** The other side closes idle connections at about the time that it says: so much earlier they are not used any more. */
const IDLE_MARGIN_MS = 1000
const KEEP_ALIVE_MS = 60_000

const CLOSED = new GatewayError(
  'GATEWAY_UPSTREAM_RESPONSE',
  'the upstream closed the connection before its answer was complete',
)

const CONNECTING = 0
const WAITING = 1
const ANSWERING = 2
const FREE = 3
const GONE = 4

/** One request with who waits for its answer. */
export class Call implements UpstreamFlow {
  /** While it is on its way. */
  connection: Connection | undefined

  constructor(
    readonly request: UpstreamRequest,
    readonly handler: UpstreamHandler,
    /** It may be sent again when it is not known to have arrived. */
    public repeatable: boolean,
  ) {}

  pause(): void {
    this.connection?.pause()
  }

  resume(): void {
    this.connection?.resume()
  }

  abort(): void {
    this.connection?.cut()
  }
}

/** One connection to an upstream; it carries one request after another. */
export class Connection implements ResponseReceiver {
  readonly #target: ConnectionTarget
  readonly #owner: ConnectionOwner
  readonly #socket: Socket
  readonly #reader = new ResponseReader(this)
  #state = CONNECTING
  #call: Call | undefined
  #pump: BodyPump | undefined
  /** An answer came over it. */
  #proven = false
  #paused = false
  /** When something last happened. */
  #since: number

  constructor(target: ConnectionTarget, owner: ConnectionOwner) {
    this.#target = target
    this.#owner = owner
    this.#since = owner.clock.now
    const events = {
      connected: () => this.#connected(),
      received: (bytes: Buffer) => this.#received(() => this.#reader.receive(bytes)),
    }
    this.#socket = open(target, owner, events)
      .on('end', () => this.#otherSideEnded())
      .on('error', (error) => this.#broke(error))
      .on('close', () => this.#broke(CLOSED))
  }

  /** Sends a request, at once or when it is connected. The connection must be new or free. */
  send(call: Call): void {
    this.#call = call
    call.connection = this
    if (this.#state === FREE) this.#write(call)
  }

  pause(): void {
    this.#paused = true
    this.#reader.pause()
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#since = this.#owner.clock.now
    this.#socket.resume()
    this.#received(() => this.#reader.resume())
  }

  /** Ends it at once; who waits for an answer is told nothing. */
  cut(): void {
    this.#end()
  }

  /** Ends it at once; who waits for an answer is told why, or gets it over another connection. */
  fail(error: Error): void {
    if (this.#state === GONE) return
    const call = this.#call
    const unanswered = this.#state === WAITING && !this.#reader.begun && !isTimeout(error)
    this.#end()
    if (call === undefined) return
    if (unanswered && call.repeatable && this.#proven) this.#owner.repeat(call)
    else call.handler.onError(error)
  }

  /** Looks at its deadline. */
  check(): void {
    const { clock } = this.#owner
    const { connectMs, headersMs, bodyMs, idleMs } = this.#target
    const late = (limitMs: number): boolean => clock.passed(this.#since, limitMs)
    if (this.#state === CONNECTING && late(connectMs))
      this.fail(timedOut('the upstream cannot be reached in time'))
    else if (this.#state === WAITING && late(headersMs))
      this.fail(timedOut('the upstream does not answer in time'))
    else if (this.#state === ANSWERING && !this.#paused && late(bodyMs))
      this.fail(timedOut("the upstream's answer stands still"))
    else if (this.#state === FREE && late(Math.min(idleMs, this.#announcedIdleMs()))) this.#end()
  }

  informational(status: number, headers: HeaderList): void {
    this.#call?.handler.onInformational(status, headers)
  }

  head(status: number, headers: HeaderList, whole: boolean): void {
    this.#state = ANSWERING
    const call = this.#call
    call?.handler.onHead(status, headers, call, whole)
  }

  data(chunk: Uint8Array): void {
    this.#call?.handler.onData(chunk)
  }

  complete(trailers: HeaderList): void {
    const call = this.#call
    // An answer that comes before all of the request was sent leaves the rest of it on the connection.
    const sent = this.#pump === undefined && this.#socket.writableLength === 0
    if (sent && this.#reader.persistent && this.#announcedIdleMs() > 0) {
      this.#release()
      this.#proven = true
      this.#state = FREE
      this.#owner.free(this)
    } else this.#end()
    call?.handler.onEnd(trailers)
  }

  #connected(): void {
    this.#since = this.#owner.clock.now
    this.#state = FREE
    if (this.#call !== undefined) this.#write(this.#call)
  }

  #write({ request }: Call): void {
    const { body, contentLength } = request
    let head
    try {
      head = requestHead(request)
    } catch (error) {
      this.fail(asError(error))
      return
    }
    this.#since = this.#owner.clock.now
    this.#state = WAITING
    this.#reader.begin(request.method)
    if (body === null || body instanceof Uint8Array) {
      writeWhole(this.#socket, head, body)
      return
    }
    this.#socket.write(head, 'latin1')
    this.#pump = new BodyPump(this.#socket, body, contentLength, {
      progress: () => (this.#since = this.#owner.clock.now),
      sent: () => (this.#pump = undefined),
      failed: (error) => this.fail(error),
    })
  }

  #received(read: () => void): void {
    if (this.#state === GONE) return
    this.#since = this.#owner.clock.now
    try {
      read()
    } catch (error) {
      this.fail(asError(error))
    }
  }

  #otherSideEnded(): void {
    const answered = this.#state === ANSWERING || (this.#state === WAITING && this.#reader.begun)
    if (answered) this.#received(() => this.#reader.end())
    else this.fail(CLOSED)
  }

  #broke(error: Error): void {
    // What came before an orderly end is still told, when its receiver goes on.
    if (!this.#reader.ended) this.fail(error)
  }

  /** The call is no longer on this connection. */
  #release(): void {
    const call = this.#call
    if (call === undefined) return
    this.#call = undefined
    call.connection = undefined
    this.#owner.settled()
  }

  #end(): void {
    if (this.#state === GONE) return
    this.#state = GONE
    this.#release()
    this.#pump?.stop()
    this.#pump = undefined
    this.#reader.stop()
    this.#socket.destroy()
    this.#owner.gone(this)
  }

  #announcedIdleMs(): number {
    const seconds = this.#reader.idleSeconds
    return seconds === undefined ? this.#target.idleMs : seconds * 1000 - IDLE_MARGIN_MS
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/**
 * All plain sockets are read into one piece of memory: what is read is handed on, as a copy of its own size, before the next socket is
 * read. Otherwise each read would take 64 KiB and give most of it back.
 */
const RECEIVED = Buffer.allocUnsafeSlow(64 * 1024)

interface SocketEvents {
  readonly connected: () => void
  /** The receiver owns the bytes. */
  readonly received: (bytes: Buffer) => void
}

const open = (target: ConnectionTarget, owner: ConnectionOwner, events: SocketEvents): Socket => {
  const { host, port, servername } = target
  if (!target.tls) {
    const callback = (length: number): boolean => {
      const bytes = Buffer.allocUnsafe(length)
      RECEIVED.copy(bytes, 0, 0, length)
      events.received(bytes)
      return true
    }
    return started(connectTcp({ host, port, onread: { buffer: RECEIVED, callback } }, events.connected))
  }
  const session = owner.tlsSession
  const options = { host, port, servername, ALPNProtocols: ['http/1.1'], ...(session && { session }) }
  const socket = connectTls(options, events.connected)
  socket.on('session', (fresh) => (owner.tlsSession = fresh)).on('data', events.received)
  return started(socket)
}

const started = (socket: Socket): Socket => socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
