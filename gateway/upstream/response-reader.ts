import type { HeaderList } from '../../detectors/request.js'
import { sameToken } from '../../detectors/transaction/bytes.js'
import { GatewayError } from '../errors.js'
import { ChunkedDecoder } from '../listener/strict/chunked-decoder.js'
import { HeadScanner } from '../listener/strict/head-scanner.js'
import { CLASSES, CR, LF, SP, VALUE } from '../listener/strict/octets.js'
import { ReceiveBuffer } from '../listener/strict/receive-buffer.js'

/** Head and trailers each; over it the answer is refused. */
const MAX_HEAD_BYTES = 64 * 1024
/** Behind `HTTP/1.1 200 `: a reason is for people, and nobody needs so much of it. */
const MAX_STATUS_LINE_BYTES = 8 * 1024
/** Informational answers before the final one; more would keep a request waiting for ever. */
const MAX_INFORMATIONAL = 32

/** What is read of one answer. Nothing is called after `complete`, nor while the reader is paused. */
export interface ResponseReceiver {
  informational(status: number, headers: HeaderList): void
  /** @param whole the rest of the answer is here already and follows in the same call, unless the reader is paused */
  head(status: number, headers: HeaderList, whole: boolean): void
  data(chunk: Uint8Array): void
  complete(trailers: HeaderList): void
}

const IDLE = 0
const STATUS_LINE = 1
const FIELDS = 2
const LENGTH = 3
const CHUNKS = 4
const UNTIL_CLOSE = 5
/** All is read; the receiver was not told yet. */
const READ = 6
const FAILED = 7

const NO_TRAILERS: HeaderList = []
const VERSION = Buffer.from('HTTP/1.')

/**
 * Reads the answers of one connection, one after another, as RFC 9112 writes them. What could be read in two ways is an error:
 * a recipient after us might take the other one.
 */
export class ResponseReader {
  readonly #receiver: ResponseReceiver
  readonly #buffer = new ReceiveBuffer()
  readonly #scanner = new HeadScanner(MAX_HEAD_BYTES)
  #chunks: ChunkedDecoder | undefined
  #state = IDLE
  #paused = false
  /** No more bytes come. */
  #ended = false
  /** Whether the answer has no content whatever its head says. */
  #headOnly = false
  #status = 0
  #minor = 1
  #statusLineBytes = 0
  #informational = 0
  /** Content still to come. */
  #left = 0
  #trailers: HeaderList = NO_TRAILERS
  #persistent = true
  #idleSeconds: number | undefined

  constructor(receiver: ResponseReceiver) {
    this.#receiver = receiver
  }

  /** No answer is awaited and none has begun. */
  get idle(): boolean {
    return this.#state === IDLE
  }

  /** Whether another request may be sent on this connection. */
  get persistent(): boolean {
    return this.#persistent && !this.#ended
  }

  /** Whether no more bytes come, and what came of an answer was told, or will be at `resume`. */
  get ended(): boolean {
    return this.#ended
  }

  /** How long the other side says that it keeps an idle connection. */
  get idleSeconds(): number | undefined {
    return this.#idleSeconds
  }

  /** Whether a byte of the answer has come. */
  get begun(): boolean {
    return this.#state > STATUS_LINE || this.#buffer.length > 0 || this.#informational > 0
  }

  /** The next answer is that to a request of this method. */
  begin(method: string): void {
    this.#headOnly = method === 'HEAD'
    this.#informational = 0
    this.#state = STATUS_LINE
  }

  pause(): void {
    this.#paused = true
  }

  /** @throws GatewayError as `receive` */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#run()
  }

  /**
   * Takes the next bytes, which are the reader's from here on.
   *
   * @throws GatewayError `GATEWAY_UPSTREAM_RESPONSE`
   */
  receive(bytes: Buffer): void {
    this.#buffer.append(bytes)
    this.#run()
  }

  /**
   * The other side sends nothing more.
   *
   * @throws GatewayError `GATEWAY_UPSTREAM_RESPONSE` when an answer breaks off with it; while paused, at `resume`
   */
  end(): void {
    this.#ended = true
    this.#run()
  }

  /** The receiver wants nothing more. */
  stop(): void {
    this.#state = FAILED
    this.#buffer.clear()
  }

  #run(): void {
    while (!this.#paused && this.#step());
  }

  /** @returns whether another step may follow; none may when bytes are missing */
  #step(): boolean {
    const buffer = this.#buffer
    switch (this.#state) {
      case IDLE:
        if (buffer.length > 0) this.#fail('bytes that belong to no answer')
        return false
      case STATUS_LINE:
        return (buffer.length > 0 && this.#readStatusLine()) || this.#starved()
      case FIELDS:
        return this.#readFields() || this.#starved()
      case LENGTH:
        return (
          (buffer.length > 0 && this.#readContent(Math.min(this.#left, buffer.length))) || this.#starved()
        )
      case CHUNKS:
        return (buffer.length > 0 && this.#readChunks()) || this.#starved()
      case UNTIL_CLOSE:
        return (buffer.length > 0 && this.#readContent(buffer.length)) || this.#starved()
      case READ:
        // Bytes behind an answer are the beginning of none that anybody asked for.
        if (buffer.length > 0) this.#persistent = false
        buffer.clear()
        this.#state = IDLE
        this.#receiver.complete(this.#trailers)
        return false
      default:
        return false
    }
  }

  /** More bytes are needed. @returns whether it goes on without them */
  #starved(): boolean {
    if (!this.#ended) return false
    if (this.#state !== UNTIL_CLOSE) this.#fail('it breaks off')
    this.#read(NO_TRAILERS)
    return true
  }

  /** @returns whether the line is complete */
  #readStatusLine(): boolean {
    const { bytes, start, end } = this.#buffer
    const line = bytes.indexOf(LF, start)
    if (line < 0 || line >= end) {
      if (end - start > MAX_STATUS_LINE_BYTES) this.#fail('a status line without end')
      return false
    }
    this.#statusLineBytes = line + 1 - start
    let at = start
    for (const byte of VERSION) if (bytes[at++] !== byte) this.#fail('it does not begin with HTTP/1')
    this.#minor = (bytes[at++] ?? 0) - 0x30
    const status = digits(bytes, at + 1)
    if (this.#minor < 0 || this.#minor > 1 || bytes[at] !== SP || status < 100)
      this.#fail('an invalid status line')
    at += 4
    // Many servers leave out the space when they have no reason to give.
    if (at < line - 1 && bytes[at] !== SP) this.#fail('an invalid status line')
    for (; at < line - 1; at++)
      if (((CLASSES[bytes[at] ?? 0] ?? 0) & VALUE) === 0) this.#fail('an invalid reason')
    if (at !== line - 1 || bytes[at] !== CR) this.#fail('a status line without CR')
    this.#status = status
    this.#scanner.resetForFields()
    this.#state = FIELDS
    return true
  }

  /** @returns whether the head is complete */
  #readFields(): boolean {
    const buffer = this.#buffer
    const from = buffer.start + this.#statusLineBytes
    const result = this.#scanner.scan(buffer.bytes, from, buffer.end)
    if (result === 'more') return false
    if (result === 'failed') this.#fail(`${this.#scanner.failure.reason} in its head`)
    const headers = this.#scanner.fields(buffer.bytes, from)
    buffer.take(this.#statusLineBytes + this.#scanner.length)
    this.#headRead(this.#status, headers)
    return true
  }

  #headRead(status: number, headers: HeaderList): void {
    if (status < 200) {
      if (status === 101) this.#fail('101 Switching Protocols, which was not asked for')
      if (++this.#informational > MAX_INFORMATIONAL) this.#fail('informational answers without end')
      this.#state = STATUS_LINE
      this.#receiver.informational(status, headers)
      return
    }
    this.#frame(status, headers)
    const whole = this.#state === READ || (this.#state === LENGTH && this.#buffer.length >= this.#left)
    this.#receiver.head(status, headers, whole)
  }

  /** How long the content is (RFC 9112 section 6.3), and whether the connection outlives it (section 9.3). */
  #frame(status: number, headers: HeaderList): void {
    let length: number | undefined
    let chunked = false
    let close = this.#minor === 0
    this.#idleSeconds = undefined
    for (const [name, value] of headers) {
      switch (name.length) {
        case 10: {
          if (sameToken(name, 'keep-alive')) this.#idleSeconds = idleSeconds(value)
          else if (sameToken(name, 'connection')) {
            const options = value.toLowerCase()
            if (/(?:^|[,\s])close(?:$|[,\s])/.test(options)) close = true
            else if (this.#minor === 0 && options === 'keep-alive') close = false
          }
          break
        }
        case 14:
          if (!sameToken(name, 'content-length')) break
          if (length !== undefined) this.#fail('several lengths')
          if (!/^\d{1,15}$/.test(value)) this.#fail('an invalid length')
          length = Number(value)
          break
        case 17:
          if (!sameToken(name, 'transfer-encoding')) break
          if (chunked || value.toLowerCase() !== 'chunked') this.#fail('an unknown transfer coding')
          chunked = true
          break
      }
    }
    if (chunked && (length !== undefined || this.#minor === 0))
      this.#fail('framing that can be read in two ways')
    this.#persistent = !close
    if (this.#headOnly || status === 204 || status === 304) this.#read(NO_TRAILERS)
    else if (chunked) {
      this.#chunks = new ChunkedDecoder(MAX_HEAD_BYTES)
      this.#state = CHUNKS
    } else if (length === undefined) {
      this.#persistent = false
      this.#state = UNTIL_CLOSE
    } else {
      this.#left = length
      if (length === 0) this.#read(NO_TRAILERS)
      else this.#state = LENGTH
    }
  }

  #readContent(count: number): true {
    const buffer = this.#buffer
    const chunk = buffer.bytes.subarray(buffer.start, buffer.start + count)
    buffer.take(count)
    if (this.#state === LENGTH) {
      this.#left -= count
      if (this.#left === 0) this.#read(NO_TRAILERS)
    }
    this.#receiver.data(chunk)
    return true
  }

  /** @returns whether more of the same bytes can be read */
  #readChunks(): boolean {
    const buffer = this.#buffer
    const chunks = this.#chunks
    if (chunks === undefined) return false
    const used = chunks.decode(buffer.bytes, buffer.start, buffer.end)
    const { data } = chunks
    buffer.take(used)
    if (chunks.failure !== undefined) this.#fail(`${chunks.failure.reason} in its chunks`)
    if (chunks.done) this.#read(chunks.trailers)
    if (data.length > 0) this.#receiver.data(data)
    return used > 0 || chunks.done
  }

  /** All of the answer is here. */
  #read(trailers: HeaderList): void {
    this.#trailers = trailers
    this.#state = READ
  }

  #fail(what: string): never {
    this.#state = FAILED
    this.#buffer.clear()
    throw new GatewayError('GATEWAY_UPSTREAM_RESPONSE', `the upstream's answer cannot be read: ${what}`)
  }
}

/** Three digits, or -1. */
const digits = (bytes: Buffer, at: number): number => {
  let value = 0
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

const idleSeconds = (value: string): number | undefined => {
  const text = /(?:^|[,;\s])timeout=(\d{1,6})(?:$|[,;\s])/i.exec(value)?.[1]
  return text === undefined ? undefined : Number(text)
}
