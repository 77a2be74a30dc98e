import type { HeaderList } from '../../../detectors/request.js'
import { byteString } from '../../../detectors/transaction/bytes.js'
import { ListenerError } from '../errors.js'
import type { Exchange, RefusalReason, ResponseOptions, ResponseSink, SocketEnd } from '../listener.js'
import { announcedLength, refusalOf } from '../refusal.js'
import { bodyBytes, checkFields, hasContent, prepareHead, type PreparedHead } from '../response-head.js'
import { StrictBody, type BodyOwner, type Framing } from './body.js'
import type { StrictConnection } from './connection.js'
import type { RequestHead } from './head-scanner.js'
import { fieldLines, type HeadFacts, statusLine } from './message-head.js'
import type { ParseFailure } from '../parse-failure.js'
import { StrictSink } from './sink.js'

/** Refusals that leave open where the request ends. */
const OPEN_END: ReadonlySet<RefusalReason> = new Set([
  'differing_content_length',
  'invalid_content_length',
  'content_length_with_transfer_encoding',
  'unknown_transfer_coding',
  'transfer_encoding_in_http_1_0',
  'connect_method',
])

/** Node writes a string of up to so many bytes without taking memory for it: a head and a body up to there leave in one. */
const JOINED_BYTES = 16 * 1024

/** One request and its response on a connection of our own. */
export class StrictExchange implements Exchange, BodyOwner {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls: boolean
  declare readonly refuse?: RefusalReason
  readonly body: StrictBody
  readonly #connection: StrictConnection
  readonly #facts: HeadFacts
  /** The connection can serve another request behind this one, as far as the request tells. */
  #persistent: boolean
  #started = false
  #finished = false
  #aborted = false
  #sink: StrictSink | undefined
  #abortCallbacks: (() => void)[] | undefined

  constructor(head: RequestHead, facts: HeadFacts, connection: StrictConnection) {
    this.method = head.method
    this.target = head.target
    this.httpVersion = head.httpVersion
    this.headers = head.headers
    this.peer = connection.peer
    this.local = connection.local
    this.tls = connection.tls
    this.#connection = connection
    this.#facts = facts
    const refuse = refusalOf(head)
    if (refuse !== undefined) this.refuse = refuse
    this.#persistent = refuse === undefined && !facts.close && (head.httpVersion === '1.1' || facts.keepAlive)
    this.body = new StrictBody(
      this.#framing(refuse),
      facts.expectsContinue && head.httpVersion === '1.1',
      this,
    )
  }

  get finished(): boolean {
    return this.#finished || this.#aborted
  }

  get started(): boolean {
    return this.#started
  }

  get bufferedBytes(): number {
    return this.#connection.unusedBytes
  }

  onAborted(callback: () => void): void {
    if (this.#aborted) queueMicrotask(() => this.#guard(callback))
    else if (!this.#finished) (this.#abortCallbacks ??= []).push(callback)
  }

  writeInformational(_status: 103, headers: HeaderList): boolean {
    checkFields(headers)
    if (this.finished || this.#started || this.httpVersion === '1.0') return false
    this.#connection.write(`${statusLine(103)}${fieldLines(headers)}\r\n`)
    return true
  }

  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void {
    const head = prepareHead(status, headers)
    const content = hasContent(this.method, status)
    const bytes = bodyBytes(body)
    if (!this.#start()) return
    this.#settlePersistence(true)
    const length = bytes?.length ?? (content ? 0 : head.givenLength)
    const text = this.#head(status, head, status === 204 ? undefined : length, false)
    if (!content || bytes === undefined || bytes.length === 0) this.#connection.write(text)
    else if (text.length + bytes.length > JOINED_BYTES) {
      this.#connection.gather()
      this.#connection.write(text)
      this.#connection.write(bytes)
    } else this.#connection.write(text + byteString(bytes))
    this.#connection.responded(this)
  }

  startResponse(status: number, headers: HeaderList, options?: ResponseOptions): ResponseSink {
    const head = prepareHead(status, headers)
    const content = hasContent(this.method, status)
    const contentLength = options?.contentLength ?? (content ? undefined : head.givenLength)
    const chunked = content && contentLength === undefined && this.httpVersion === '1.1'
    if (this.#start()) {
      this.#settlePersistence(false)
      if (content && contentLength === undefined && !chunked) this.#persistent = false
      // What is written before this turn ends shares the head's packet.
      this.#connection.gather()
      this.#connection.write(this.#head(status, head, status === 204 ? undefined : contentLength, chunked))
    }
    this.#sink = new StrictSink(this, this.#connection, {
      content,
      contentLength: content ? contentLength : undefined,
      chunked,
    })
    return this.#sink
  }

  destroy(): void {
    if (!this.#finished) this.#connection.destroy()
  }

  writeContinue(): void {
    if (!this.#started && !this.finished) this.#connection.write(`${statusLine(100)}\r\n`)
  }

  flow(): void {
    this.#connection.flow()
  }

  malformed(failure: ParseFailure): void {
    this.#persistent = false
    this.#connection.report(failure)
  }

  failed(error: unknown): void {
    this.#connection.failed(error)
  }

  /** The client has taken all that was written. */
  drained(): void {
    try {
      this.#sink?.drained()
    } catch (error) {
      this.failed(error)
    }
  }

  /** The response is complete. Returns whether the connection may go on to the next request. */
  finish(): boolean {
    this.#finished = true
    this.#abortCallbacks = undefined
    const whole = this.body.complete
    this.body.discard()
    return this.#persistent && whole
  }

  /** The client is gone. */
  abort(): void {
    if (this.finished) return
    this.#aborted = true
    this.body.fail(new ListenerError('CLIENT_ABORTED', 'the client closed the connection'))
    const callbacks = this.#abortCallbacks
    this.#abortCallbacks = undefined
    for (const callback of callbacks ?? []) this.#guard(callback)
  }

  #framing(refuse: RefusalReason | undefined): Framing {
    if (refuse !== undefined && OPEN_END.has(refuse)) return { kind: 'doubtful' }
    if (this.#facts.transferEncoding)
      return { kind: 'chunked', maxTrailerBytes: this.#connection.maxHeaderBytes }
    const length = this.#facts.body ? announcedLength(this.headers) : undefined
    return length === undefined ? { kind: 'none' } : { kind: 'length', length }
  }

  /** False when the client is gone and nothing can be sent. */
  #start(): boolean {
    if (this.#started) throw new ListenerError('RESPONSE_STARTED', 'this exchange has its response')
    this.#started = true
    return !this.finished
  }

  /**
   * Decides whether the connection outlives this response, before its head says so.
   *
   * @param whole the response is all there: what is missing of the body then will not be waited for
   */
  #settlePersistence(whole: boolean): void {
    if (this.#connection.closing) this.#persistent = false
    if (this.body.complete) return
    if (!this.body.taken) this.#connection.skipBody(this)
    if (!this.body.complete && (whole || !this.body.beingRead)) this.#persistent = false
  }

  #head(
    status: number,
    { headers, dated }: PreparedHead,
    contentLength: number | undefined,
    chunked: boolean,
  ): string {
    let head = statusLine(status) + fieldLines(headers)
    if (!dated) head += `Date: ${this.#connection.date}\r\n`
    if (contentLength !== undefined) head += `Content-Length: ${contentLength}\r\n`
    else if (chunked) head += 'Transfer-Encoding: chunked\r\n'
    if (!this.#persistent) head += 'Connection: close\r\n'
    else if (this.httpVersion === '1.0') head += 'Connection: keep-alive\r\n'
    return `${head}\r\n`
  }

  #guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.failed(error)
    }
  }
}
