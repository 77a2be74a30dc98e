import { constants, type ServerHttp2Stream } from 'node:http2'
import type { HeaderList } from '../../../detectors/request.js'
import { ListenerError } from '../errors.js'
import type { Exchange, RefusalReason, ResponseOptions, ResponseSink, SocketEnd } from '../listener.js'
import { announcedLength, refusalOf } from '../refusal.js'
import { bodyBytes, checkFields, hasContent, prepareHead } from '../response-head.js'
import { pairs } from './incoming.js'
import { StreamBody } from './request-body.js'
import { StreamSink } from './sink.js'

/** Fields of an HTTP/1 connection, which HTTP/2 forbids (RFC 9113 section 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set(['upgrade', 'te', 'http2-settings'])

export interface Http2Context {
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly bodyIdleMs: number
  onFailure(error: unknown): void
}

/** One HTTP/2 stream. */
export class Http2Exchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly httpVersion = '2.0'
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls = true
  declare readonly refuse?: RefusalReason
  readonly body: StreamBody
  readonly #stream: ServerHttp2Stream
  readonly #context: Http2Context
  #trailers: HeaderList = []
  #started = false
  #finished = false
  #aborted = false
  readonly #abortCallbacks: (() => void)[] = []

  /** @param rawHeaders node's flat list, pseudo-headers included. */
  constructor(stream: ServerHttp2Stream, rawHeaders: readonly string[], context: Http2Context) {
    this.#stream = stream
    this.#context = context
    const request = splitPseudoHeaders(rawHeaders)
    this.method = request.method
    this.target = request.target
    this.headers = request.headers
    this.peer = context.peer
    this.local = context.local
    const refuse = refusalOf(this)
    if (refuse !== undefined) this.refuse = refuse
    const contentLength = announcedLength(this.headers)
    this.body = new StreamBody({
      stream,
      present: !stream.endAfterHeaders,
      contentLength,
      expectsContinue: this.headers.some(
        ([name, value]) => name.toLowerCase() === 'expect' && value.toLowerCase() === '100-continue',
      ),
      writeContinue: () => {
        if (!this.#started && !stream.destroyed) stream.additionalHeaders({ ':status': 100 })
      },
      trailers: () => this.#trailers,
      // A reset ends the stream as the end of the body does.
      complete: (received) =>
        !stream.aborted &&
        stream.rstCode === constants.NGHTTP2_NO_ERROR &&
        (contentLength === undefined || received === contentLength),
      restartClock: () => {
        if (!stream.destroyed) stream.setTimeout(context.bodyIdleMs)
      },
      guard: (callback) => this.#guard(callback),
    })
    stream.on('trailers', (_trailers: unknown, _flags: unknown, raw: readonly string[]) => {
      this.#trailers = pairs(raw)
    })
    stream.setTimeout(context.bodyIdleMs, () => this.#timeout())
    stream.on('close', () => this.#closed())
  }

  get finished(): boolean {
    return this.#finished || this.#aborted
  }

  onAborted(callback: () => void): void {
    if (this.#aborted) queueMicrotask(() => this.#guard(callback))
    else if (!this.#finished) this.#abortCallbacks.push(callback)
  }

  writeInformational(status: 103, headers: HeaderList): boolean {
    checkFields(headers)
    if (this.finished || this.#started || this.#stream.destroyed) return false
    this.#stream.additionalHeaders(headerObject(status, headers))
    return true
  }

  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void {
    const head = prepareHead(status, headers)
    const bytes = bodyBytes(body)
    if (!this.#start()) return
    const content = hasContent(this.method, status)
    const length = bytes?.length ?? (content ? 0 : head.givenLength)
    this.#sendHead(status, head.headers, status === 204 ? undefined : length, {
      endStream: !content || bytes === undefined || bytes.length === 0,
    })
    if (content && bytes !== undefined && bytes.length > 0) this.#stream.end(bytes)
    this.#settle()
  }

  startResponse(status: number, headers: HeaderList, options?: ResponseOptions): ResponseSink {
    const head = prepareHead(status, headers)
    const content = hasContent(this.method, status)
    const stream = this.#stream
    const contentLength = options?.contentLength ?? (content ? undefined : head.givenLength)
    let trailers: HeaderList | undefined
    if (this.#start()) {
      stream.on('wantTrailers', () => {
        if (trailers === undefined || trailers.length === 0) stream.close()
        else stream.sendTrailers(headerObject(undefined, trailers))
      })
      this.#sendHead(status, head.headers, status === 204 ? undefined : contentLength, {
        endStream: !content,
        waitForTrailers: content,
      })
      if (!content) this.#settle()
    }
    return new StreamSink({
      stream,
      content,
      contentLength: content ? contentLength : undefined,
      finish: (given) => {
        if (this.finished) return
        if (given !== undefined) checkFields(given)
        trailers = given
        if (content) {
          stream.end()
          this.#settle()
        }
      },
      cut: () => this.destroy(),
      guard: (callback) => this.#guard(callback),
    })
  }

  destroy(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  #start(): boolean {
    if (this.#started) throw new ListenerError('RESPONSE_STARTED', 'this exchange has its response')
    this.#started = true
    return !this.finished && !this.#stream.destroyed
  }

  #sendHead(
    status: number,
    headers: HeaderList,
    length: number | undefined,
    options: { endStream: boolean; waitForTrailers?: boolean },
  ): void {
    const fields = length === undefined ? headers : [...headers, ['content-length', String(length)] as const]
    try {
      this.#stream.respond(headerObject(status, fields), options)
    } catch (error) {
      this.#started = false
      throw new ListenerError('INVALID_RESPONSE', 'HTTP/2 cannot send this response head', { cause: error })
    }
  }

  /** The response is handed over: tell a client that still sends a body that nobody wants it (RFC 9113 section 8.1). */
  #settle(): void {
    this.#stream.once('finish', () => {
      this.#finished = true
      if (!this.#stream.readableEnded && !this.body.waitsForClient) {
        this.body.discard()
        if (!this.#stream.endAfterHeaders) this.#stream.close(constants.NGHTTP2_NO_ERROR)
      }
    })
  }

  #timeout(): void {
    if (this.#stream.writableLength > 0) this.destroy()
    else if (this.body.waitsForClient) {
      this.body.fail(new ListenerError('BODY_TIMEOUT', 'the body stood still for too long'))
    }
    if (!this.#stream.destroyed) this.#stream.setTimeout(this.#context.bodyIdleMs)
  }

  #closed(): void {
    if (this.finished) return
    if (
      this.#started &&
      this.#stream.rstCode === constants.NGHTTP2_NO_ERROR &&
      this.#stream.writableFinished
    ) {
      this.#finished = true
      return
    }
    this.#aborted = true
    this.body.fail(new ListenerError('CLIENT_ABORTED', 'the client closed the stream'))
    for (const callback of this.#abortCallbacks.splice(0)) this.#guard(callback)
  }

  #guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.destroy()
      this.#context.onFailure(error)
    }
  }
}

/**
 * HTTP/2's way of writing a request as HTTP/1.1 writes it: `:authority` as `Host`, unless the same host is there already, and
 * cookie crumbs as one field (RFC 9113 sections 8.2.3 and 8.3.1).
 */
function splitPseudoHeaders(raw: readonly string[]): { method: string; target: string; headers: HeaderList } {
  let method = ''
  let target = ''
  let authority: string | undefined
  let cookieAt = -1
  const headers: [string, string][] = []
  for (const [name, value] of pairs(raw)) {
    if (name === ':method') method = value
    else if (name === ':path') target = value
    else if (name === ':authority') authority = value
    else if (name.startsWith(':')) continue
    else if (name === 'cookie') {
      const first = headers[cookieAt]
      if (first !== undefined) first[1] += `; ${value}`
      else cookieAt = headers.push([name, value]) - 1
    } else headers.push([name, value])
  }
  if (authority !== undefined) {
    const same = headers.some(([name, value]) => name === 'host' && value === authority)
    if (!same) headers.unshift(['Host', authority])
    if (method === 'CONNECT') target = authority
  }
  return { method, target, headers }
}

function headerObject(
  status: number | undefined,
  headers: HeaderList,
): Record<string, string | string[] | number> {
  const object: Record<string, string | string[] | number> = Object.create(null) as Record<string, string>
  if (status !== undefined) object[':status'] = status
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (CONNECTION_FIELDS.has(lower)) continue
    const before = object[lower]
    if (before === undefined) object[lower] = value
    else if (Array.isArray(before)) before.push(value)
    else object[lower] = [String(before), value]
  }
  return object
}
