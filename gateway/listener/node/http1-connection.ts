import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'
import { ListenerError } from '../errors.js'
import type { ListenOptions, SocketEnd } from '../listener.js'
import type { ParseFailure } from '../parse-failure.js'
import { plainAddress } from '../peer-address.js'

/** What the connection needs of an exchange. */
export interface ConnectionExchange {
  /** Hands the exchange to the gateway. */
  deliver(): void
  /** The client is gone. */
  abort(): void
  /** Bytes of its body are still to come. */
  readonly bodyPending: boolean
  readonly waitsForClient: boolean
  readonly waitsForWriting: boolean
  failBody(error: ListenerError): boolean
  discardBody(): void
}

/** Above so many pipelined requests behind the current one no more is read from the client until some are answered. */
const PIPELINE_SOFT = 8
/** What may still be parsed out of bytes already read; a client beyond it is cut. */
const PIPELINE_HARD = 4096
/** How long what a client still sends is thrown away after its response, so that a reset does not eat the response. */
const LINGER_MS = 2000

/**
 * One HTTP/1 connection. node parses pipelined requests at once; this hands them on one at a time, so that a client has
 * one request in work per connection, and answers what cannot be parsed only after all that came before it.
 */
export class Http1Connection {
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly #socket: Socket
  readonly #options: ListenOptions
  readonly #queue: ConnectionExchange[] = []
  #active: ConnectionExchange | undefined
  #failure: ParseFailure | undefined
  #closing = false
  #lingering = false
  #handedOver = false
  /** Bytes that the client had sent when the connection last became idle; undefined before the first request. */
  #idleSince: number | undefined

  constructor(socket: Socket, options: ListenOptions) {
    this.#socket = socket
    this.#options = options
    this.peer = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    this.local = { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 }
    const destroySoon = socket.destroySoon.bind(socket)
    // node calls this after a response that ends the connection. With unread bytes in the socket the kernel would then send
    // a reset, which can overtake the response on its way to the client.
    socket.destroySoon = (): void => {
      if (this.#active?.bodyPending === true) this.linger()
      else destroySoon()
    }
    socket.once('close', () => this.#gone())
    socket.on('error', () => socket.destroy())
  }

  get idle(): boolean {
    return this.#active === undefined && this.#queue.length === 0 && !this.#lingering && !this.#handedOver
  }

  /** The next response must end the connection. */
  get closing(): boolean {
    return this.#closing
  }

  enqueue(exchange: ConnectionExchange): void {
    if (this.#lingering || this.#failure !== undefined) return
    if (this.#active === undefined) {
      this.#start(exchange)
      return
    }
    this.#queue.push(exchange)
    if (this.#queue.length > PIPELINE_HARD) {
      this.malformed({ reason: 'pipeline_overflow', status: 400 })
      this.#socket.destroy()
    } else if (this.#queue.length === PIPELINE_SOFT) {
      // Not at once: node resumes the socket when the message that is being parsed is complete.
      setImmediate(() => {
        if (this.#queue.length >= PIPELINE_SOFT && !this.#socket.destroyed) this.#socket.pause()
      })
    }
  }

  /** The connection speaks another protocol from here on; a graceful close leaves it alone until the grace is over. */
  handOver(): void {
    this.#handedOver = true
  }

  /** The active exchange's response is complete. */
  done(exchange: ConnectionExchange): void {
    if (this.#active !== exchange) return
    if (this.#lingering) return
    if (exchange.bodyPending) {
      this.#socket.destroySoon()
      return
    }
    this.#active = undefined
    this.#idleSince = this.#socket.bytesRead
    const next = this.#queue.shift()
    if (next !== undefined) {
      if (this.#queue.length === PIPELINE_SOFT - 1) this.#socket.resume()
      this.#start(next)
    } else if (this.#failure !== undefined) this.#refuse(this.#failure)
    else if (this.#closing) this.#socket.destroySoon()
  }

  /** The parser or the clock gave up on this connection. */
  fail(failure: ParseFailure): void {
    if (this.#lingering || this.#failure !== undefined || this.#socket.destroyed) return
    if (failure.reason === 'headers_timeout' && this.#socket.bytesRead === 0) {
      // Opened and never used, as browsers do.
      this.#socket.destroy()
      return
    }
    this.#failure = failure
    const broken = this.#queue.at(-1) ?? this.#active
    if (broken?.bodyPending === true) {
      if (this.#socket.readableEnded) {
        // The client closed in the middle of a body: gone, not malformed.
        this.#socket.destroy()
        return
      }
      this.malformed(failure)
      this.#socket.pause()
      // From here on the exchange answers; with nobody reading its body, whatever it answers stands.
      this.#failure = undefined
      this.#closing = true
      broken.failBody(new ListenerError('MALFORMED_BODY', `the body is malformed: ${failure.reason}`))
      return
    }
    this.malformed(failure)
    if (this.#active === undefined) this.#refuse(failure)
  }

  /** node's inactivity timer fired. */
  timeout(): void {
    const keptAlive = this.idle && this.#socket.bytesRead === this.#idleSince
    if (this.#lingering || keptAlive || this.#active?.waitsForWriting === true) {
      this.#socket.destroy()
      return
    }
    // A head that is on its way has a clock of its own, `headersMs`.
    if (this.#active?.waitsForClient === true) {
      this.#active.failBody(new ListenerError('BODY_TIMEOUT', 'the body stood still for too long'))
    }
    this.restartClock()
  }

  /** Starts the time anew after which a connection counts as standing still. */
  restartClock(): void {
    if (!this.#socket.destroyed) this.#socket.setTimeout(this.#options.timeouts.bodyIdleMs)
  }

  /** Graceful close: now when nothing is in work, else after the last response. */
  closeWhenIdle(): void {
    this.#closing = true
    if (this.idle) this.#socket.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Sends what is written and FIN, throws away what comes, and closes when the client does or the time is over. */
  linger(): void {
    if (this.#lingering) return
    this.#lingering = true
    this.#active?.discardBody()
    this.#socket.end()
    this.#socket.resume()
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS)
    timer.unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }

  malformed(failure: ParseFailure): void {
    const sample = failure.sample === undefined ? {} : { sample: failure.sample }
    this.#options.onMalformed({
      client: this.peer.address,
      reason: failure.reason,
      listener: 'node',
      count: 1,
      ...sample,
    })
  }

  #start(exchange: ConnectionExchange): void {
    this.#active = exchange
    exchange.deliver()
  }

  #refuse(failure: ParseFailure): void {
    if (!this.#socket.writable) {
      this.#socket.destroy()
      return
    }
    const text = `${failure.status} ${STATUS_CODES[failure.status] ?? ''}`
    this.#socket.write(
      `HTTP/1.1 ${text}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length + 1}\r\n\r\n${text}\n`,
    )
    this.linger()
  }

  #gone(): void {
    const all = this.#active === undefined ? this.#queue : [this.#active, ...this.#queue]
    this.#active = undefined
    for (const exchange of all.splice(0)) exchange.abort()
    this.#queue.length = 0
  }
}
