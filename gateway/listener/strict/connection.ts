import type { Socket } from 'node:net'
import { ListenerError } from '../errors.js'
import type { ListenOptions, SocketEnd } from '../listener.js'
import { type ParseFailure, SAMPLE_BYTES } from '../parse-failure.js'
import { plainAddress } from '../peer-address.js'
import type { CoarseClock } from './coarse-clock.js'
import { StrictExchange } from './exchange.js'
import { HeadScanner } from './head-scanner.js'
import { headFacts, statusLine } from './message-head.js'
import { ReceiveBuffer } from './receive-buffer.js'
import { readAsStream, readShared } from './shared-read.js'
import { StrictUpgrade } from './upgrade.js'

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly options: ListenOptions
  readonly clock: CoarseClock
  /** No connection is to outlive its exchange. */
  readonly closing: boolean
  /** A connection is closed, or handed over. */
  left(connection: StrictConnection): void
}

/** Above so many bytes that nobody wants yet, the client's TCP window is left to close. */
const MAX_HELD_BYTES = 64 * 1024
/** How long what a client still sends is thrown away after its last response, so that a reset does not eat the response. */
const LINGER_MS = 2000
/**
 * How long a client that closed its sending half is waited for. Whether it only does not send any more, or is gone, nobody can
 * tell before bytes are sent to it; so it counts as gone when its response stands still for so long.
 */
const HALF_CLOSED_MS = 1000

type Phase = 'head' | 'exchange' | 'upgrade' | 'lingering' | 'over'

/**
 * One HTTP/1.1 connection. Requests are read one at a time: what a client pipelines behind one in work stays unread until
 * its response has left, first here and then in the client's own send buffer.
 */
export class StrictConnection {
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls: boolean
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #received = new ReceiveBuffer()
  readonly #scanner: HeadScanner
  #phase: Phase = 'head'
  #exchange: StrictExchange | undefined
  #upgrade: StrictUpgrade | undefined
  /** When what the connection now waits for began. */
  #since: number
  /** When the rate of the body was last looked at, and the bytes that came since. */
  #rateSince = 0
  #rateBytes = 0
  /** It has served a request before. */
  #used = false
  /** Bytes of the next head are here. */
  #headBegun = false
  /** The client will send no more. */
  #ended = false
  #pumping = false
  #pumpAsked = false
  #paused = false
  /** The response is written, and waits to be taken. */
  #draining = false
  #corked = false
  /** The clock of writing runs. */
  #watched = false
  /** Bytes written when the half-closed client was last looked at. */
  #writtenBefore = 0

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket
    this.#host = host
    this.#since = host.clock.now
    this.#scanner = new HeadScanner(host.options.maxHeaderBytes)
    this.tls = host.options.tls !== undefined
    this.peer = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    this.local = { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 }
    if (this.tls || !readShared(socket, this.#onRead)) socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    socket.on('timeout', this.#onTimeout)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  get closing(): boolean {
    return this.#host.closing
  }

  get maxHeaderBytes(): number {
    return this.#host.options.maxHeaderBytes
  }

  get date(): string {
    return this.#host.clock.date
  }

  /** Bytes received and not yet used. */
  get unusedBytes(): number {
    return this.#received.length + this.#socket.readableLength
  }

  /** Bytes written and not yet taken by the operating system. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** Returns false when the client is slower than we are. */
  write(data: Uint8Array | string): boolean {
    const socket = this.#socket
    if (!socket.writable) return true
    return typeof data === 'string' ? socket.write(data, 'latin1') : socket.write(data)
  }

  /** What is written in this turn leaves in one piece. */
  gather(): void {
    if (this.#corked) return
    this.#corked = true
    this.#socket.cork()
    process.nextTick(this.#uncork)
  }

  /** The body's reader waits for bytes from here on. */
  flow(): void {
    this.#since = this.#host.clock.now
    this.#rateSince = this.#since
    this.#rateBytes = 0
    this.#pumpSoon()
  }

  /** Takes what is here of a body that nobody will read. */
  skipBody(exchange: StrictExchange): void {
    exchange.body.skip(this.#received)
  }

  /** The response is written to its end. */
  responded(exchange: StrictExchange): void {
    if (this.#exchange !== exchange) return
    if (this.#socket.writableNeedDrain) this.#draining = true
    else this.#done(exchange)
  }

  /** Sends what is written and FIN, throws away what still comes, and closes when the client does or the time is over. */
  end(): void {
    if (this.#phase === 'lingering' || this.#phase === 'over') return
    this.#phase = 'lingering'
    this.#since = this.#host.clock.now
    this.#received.clear()
    if (this.#ended) this.#socket.destroySoon()
    else {
      this.#socket.end()
      this.#resume()
    }
  }

  /** The socket is somebody else's from here on, with what was received behind the request. */
  handOver(): { readonly socket: Socket; readonly head: Uint8Array } {
    const socket = this.#socket
    const { bytes, start, end } = this.#received
    this.#phase = 'over'
    this.#upgrade = undefined
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('timeout', this.#onTimeout)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    socket.setTimeout(0)
    socket.pause()
    readAsStream(socket)
    this.#host.left(this)
    return { socket, head: bytes.subarray(start, end) }
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Graceful close: now when nothing is in work, else after the response. */
  closeWhenIdle(): void {
    if (this.#phase === 'head') {
      this.#phase = 'over'
      this.#socket.destroySoon()
    }
  }

  /** One of the gateway's callbacks threw this. */
  failed(error: unknown): void {
    this.destroy()
    this.#host.options.onFailure(error)
  }

  report({ reason }: ParseFailure): void {
    const { bytes, start, end } = this.#received
    const sample = bytes.subarray(start, Math.min(end, start + SAMPLE_BYTES))
    this.#host.options.onMalformed({
      client: this.peer.address,
      reason,
      listener: 'strict',
      count: 1,
      ...(sample.length === 0 ? {} : { sample: Uint8Array.from(sample) }),
    })
  }

  /** Looks at the deadlines. */
  tick(): void {
    const { clock, options } = this.#host
    const { timeouts } = options
    const since = this.#since
    this.#watchWriting()
    switch (this.#phase) {
      case 'head':
        if (this.#socket.writableLength > 0) this.#since = clock.now
        else if (this.#used && !this.#headBegun) {
          if (clock.passed(since, timeouts.idleMs)) this.destroy()
        } else if (clock.passed(since, timeouts.headersMs)) {
          // Opened and never used, as browsers do.
          if (!this.#headBegun) this.destroy()
          else this.#refuse({ reason: 'headers_timeout', status: 408 })
        }
        break
      case 'exchange':
        if (this.#exchange?.body.waitsForClient === true && this.#tooSlow()) {
          this.#exchange.body.fail(new ListenerError('BODY_TIMEOUT', 'the body stood still for too long'))
        }
        this.#watchHalfClosed()
        break
      case 'upgrade':
        this.#watchHalfClosed()
        break
      case 'lingering':
        if (this.#socket.writableLength > 0) this.#since = clock.now
        else if (clock.passed(since, LINGER_MS)) this.destroy()
        break
      case 'over':
        break
    }
  }

  /** @param memory lent until it returns */
  readonly #onRead = (memory: Buffer, length: number): void => {
    const received = this.#received
    // A head that is all here leaves nothing to be kept.
    if (this.#phase !== 'head' || received.length > 0) {
      this.#onData(Buffer.from(memory.subarray(0, length)))
      return
    }
    received.lend(memory, length)
    try {
      this.#pump()
    } finally {
      // Whatever went wrong: the next bytes in this memory are another client's.
      received.keep()
    }
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#phase === 'lingering' || this.#phase === 'over') return
    this.#received.append(chunk)
    if (this.#phase === 'exchange') {
      this.#since = this.#host.clock.now
      this.#rateBytes += chunk.length
    }
    this.#pump()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#since = this.#host.clock.now
    this.#writtenBefore = this.#socket.bytesWritten
    if (this.#phase === 'lingering') this.#socket.destroySoon()
    else this.#pump()
  }

  readonly #onDrain = (): void => {
    const exchange = this.#exchange
    if (exchange === undefined) this.#pump()
    else if (this.#draining) this.#done(exchange)
    else exchange.drained()
  }

  readonly #onTimeout = (): void => {
    if (this.#socket.writableLength > 0) this.#socket.destroy()
  }

  readonly #onError = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#phase = 'over'
    const exchange = this.#exchange
    const upgrade = this.#upgrade
    this.#exchange = undefined
    this.#upgrade = undefined
    this.#host.left(this)
    exchange?.abort()
    upgrade?.abort()
  }

  readonly #uncork = (): void => {
    this.#corked = false
    this.#socket.uncork()
  }

  #pumpSoon(): void {
    if (this.#pumping || this.#pumpAsked) return
    this.#pumpAsked = true
    queueMicrotask(this.#pumpLater)
  }

  readonly #pumpLater = (): void => {
    this.#pumpAsked = false
    this.#pump()
  }

  /** Uses what was received, as far as anybody wants it. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (this.#step());
    this.#pumping = false
    this.#holdBack()
  }

  /** Returns whether there may be more to do. */
  #step(): boolean {
    if (this.#phase === 'head') return this.#readHead()
    if (this.#phase === 'exchange') return this.#feedBody()
    return false
  }

  #readHead(): boolean {
    const received = this.#received
    if (this.#socket.writableNeedDrain) return false
    if (received.length === 0) {
      if (this.#ended) this.end()
      return false
    }
    if (!this.#headBegun) {
      this.#headBegun = true
      if (this.#used) this.#since = this.#host.clock.now
    }
    const result = this.#scanner.scan(received.bytes, received.start, received.end)
    if (result === 'more') {
      if (this.#ended) this.#refuse({ reason: 'incomplete_head', status: 400 })
      return false
    }
    if (result === 'failed') {
      this.#refuse(this.#scanner.failure)
      return false
    }
    this.#deliver()
    return true
  }

  #deliver(): void {
    const received = this.#received
    const { options } = this.#host
    const head = this.#scanner.request(received.bytes, received.start)
    received.take(this.#scanner.length)
    // What follows is the body's, whose reader owns its bytes.
    received.keep()
    this.#scanner.reset()
    this.#headBegun = false
    this.#used = true
    const facts = headFacts(head.headers)
    try {
      if (
        facts.webSocket &&
        facts.upgrade &&
        !facts.body &&
        head.method === 'GET' &&
        head.httpVersion === '1.1'
      ) {
        this.#phase = 'upgrade'
        this.#upgrade = new StrictUpgrade(head, this)
        options.onUpgrade(this.#upgrade)
      } else {
        this.#phase = 'exchange'
        this.#exchange = new StrictExchange(head, facts, this)
        options.onExchange(this.#exchange)
      }
    } catch (error) {
      this.failed(error)
    }
  }

  /** Returns whether the exchange went on. */
  #feedBody(): boolean {
    const exchange = this.#exchange
    if (exchange === undefined || exchange.body.complete) return false
    const { length } = this.#received
    exchange.body.feed(this.#received)
    // A client that ends in the middle of its body will never complete it.
    if (this.#ended && this.#received.length === 0 && !exchange.body.complete && this.#exchange === exchange)
      this.destroy()
    return this.#received.length < length
  }

  #done(exchange: StrictExchange): void {
    this.#draining = false
    const goesOn = exchange.finish()
    this.#exchange = undefined
    if (!goesOn || this.closing) {
      this.end()
      return
    }
    this.#phase = 'head'
    this.#since = this.#host.clock.now
    if (this.#received.length > 0 || this.#ended) this.#pumpSoon()
    else this.#resume()
  }

  #refuse(failure: ParseFailure): void {
    this.report(failure)
    const line = statusLine(failure.status)
    const text = `${line.slice('HTTP/1.1 '.length, -2)}\n`
    this.write(
      `${line}Date: ${this.date}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    )
    this.end()
  }

  /** Stops reading while more is here than anybody wants. */
  #holdBack(): void {
    if (this.#phase === 'lingering' || this.#phase === 'over') return
    const wanted = this.#phase === 'head' && !this.#socket.writableNeedDrain
    if (!wanted && this.#received.length >= MAX_HELD_BYTES) {
      if (!this.#paused) {
        this.#paused = true
        this.#socket.pause()
      }
    } else this.#resume()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#socket.resume()
  }

  /** Whether the body stands still, or as good as. */
  #tooSlow(): boolean {
    const { clock, options } = this.#host
    const { bodyIdleMs } = options.timeouts
    if (clock.passed(this.#since, bodyIdleMs)) return true
    if (!clock.passed(this.#rateSince, bodyIdleMs)) return false
    const least = ((options.minBodyRate ?? 0) * (clock.now - this.#rateSince)) / 1000
    if (this.#rateBytes < least) return true
    this.#rateSince = clock.now
    this.#rateBytes = 0
    return false
  }

  /** Runs node's own clock for writing, which sees each byte that leaves, but only while some are left. */
  #watchWriting(): void {
    const waiting = this.#socket.writableLength > 0
    if (waiting === this.#watched) return
    this.#watched = waiting
    this.#socket.setTimeout(waiting ? this.#host.options.timeouts.bodyIdleMs : 0)
  }

  #watchHalfClosed(): void {
    if (!this.#ended) return
    const { bytesWritten, writableLength } = this.#socket
    // Bytes that wait to be taken have the clock of writing, and will tell when nobody is there.
    if (writableLength > 0 || bytesWritten !== this.#writtenBefore) {
      this.#writtenBefore = bytesWritten
      this.#since = this.#host.clock.now
    } else if (this.#host.clock.passed(this.#since, HALF_CLOSED_MS)) this.destroy()
  }
}
