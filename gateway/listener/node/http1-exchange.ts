import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HeaderList } from '../../../detectors/request.js'
import { ListenerError } from '../errors.js'
import type { Exchange, RefusalReason, ResponseOptions, ResponseSink, SocketEnd } from '../listener.js'
import { announcedLength, refusalOf } from '../refusal.js'
import { bodyBytes, checkFields, hasContent, prepareHead } from '../response-head.js'
import type { ConnectionExchange, Http1Connection } from './http1-connection.js'
import { pairs } from './incoming.js'
import { StreamBody } from './request-body.js'
import { StreamSink } from './sink.js'

export interface Http1Context {
  readonly connection: Http1Connection
  readonly tls: boolean
  readonly expectsContinue: boolean
  /** A request for another protocol than WebSocket: its parser stops behind it, so the connection ends with it. */
  readonly lastOne: boolean
  onDeliver(exchange: Exchange): void
  onFailure(error: unknown): void
}

/** One HTTP/1 request and its response on node:http. */
export class Http1Exchange implements Exchange, ConnectionExchange {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls: boolean
  declare readonly refuse?: RefusalReason
  readonly body: StreamBody
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #context: Http1Context
  #started = false
  #finished = false
  #aborted = false
  readonly #abortCallbacks: (() => void)[] = []

  constructor(request: IncomingMessage, response: ServerResponse, context: Http1Context) {
    this.#request = request
    this.#response = response
    this.#context = context
    this.method = request.method ?? ''
    this.target = request.url ?? ''
    this.httpVersion = request.httpVersionMinor === 0 ? '1.0' : '1.1'
    this.headers = pairs(request.rawHeaders)
    this.peer = context.connection.peer
    this.local = context.connection.local
    this.tls = context.tls
    const refuse = refusalOf(this)
    if (refuse !== undefined) this.refuse = refuse
    const contentLength = announcedLength(this.headers)
    this.body = new StreamBody({
      stream: request,
      present:
        contentLength !== undefined ||
        this.headers.some(([name]) => name.toLowerCase() === 'transfer-encoding'),
      contentLength,
      expectsContinue: context.expectsContinue,
      writeContinue: () => {
        if (!this.#started) response.writeContinue()
      },
      trailers: () => pairs(request.rawTrailers),
      complete: () => request.complete,
      restartClock: () => context.connection.restartClock(),
      guard: (callback) => this.#guard(callback),
    })
    response.on('error', () => this.destroy())
    response.once('finish', () => {
      this.#finished = true
      context.connection.done(this)
    })
  }

  get finished(): boolean {
    return this.#finished || this.#aborted
  }

  get bodyPending(): boolean {
    return this.body.present && !this.#request.complete
  }

  get waitsForClient(): boolean {
    return this.body.waitsForClient
  }

  get waitsForWriting(): boolean {
    return this.#response.writableLength > 0
  }

  deliver(): void {
    this.#guard(() => this.#context.onDeliver(this))
  }

  abort(): void {
    if (this.finished) return
    this.#aborted = true
    this.body.fail(new ListenerError('CLIENT_ABORTED', 'the client closed the connection'))
    for (const callback of this.#abortCallbacks.splice(0)) this.#guard(callback)
  }

  failBody(error: ListenerError): boolean {
    return this.body.fail(error)
  }

  discardBody(): void {
    this.body.discard()
  }

  onAborted(callback: () => void): void {
    if (this.#aborted) queueMicrotask(() => this.#guard(callback))
    else if (!this.#finished) this.#abortCallbacks.push(callback)
  }

  writeInformational(_status: 103, headers: HeaderList): boolean {
    checkFields(headers)
    const socket = this.#request.socket
    if (this.finished || this.#started || this.httpVersion === '1.0' || !socket.writable) return false
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.write(Buffer.from(`HTTP/1.1 103 Early Hints\r\n${lines}\r\n`, 'latin1'))
    return true
  }

  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void {
    const head = prepareHead(status, headers)
    const bytes = bodyBytes(body)
    if (!this.#start()) return
    const content = hasContent(this.method, status)
    const length = bytes?.length ?? (content ? 0 : head.givenLength)
    this.#writeHead(status, head.headers, status === 204 ? undefined : length, false)
    if (content && bytes !== undefined && bytes.length > 0) this.#response.end(bytes)
    else this.#response.end()
  }

  startResponse(status: number, headers: HeaderList, options?: ResponseOptions): ResponseSink {
    const head = prepareHead(status, headers)
    const content = hasContent(this.method, status)
    const response = this.#response
    const contentLength = options?.contentLength ?? (content ? undefined : head.givenLength)
    const chunked = content && contentLength === undefined && this.httpVersion === '1.1'
    if (this.#start()) {
      this.#writeHead(status, head.headers, status === 204 ? undefined : contentLength, chunked)
      // The head goes out in this turn; what is written before its end shares the packet.
      const { socket } = response
      socket?.cork()
      process.nextTick(() => socket?.uncork())
      response.flushHeaders()
    }
    return new StreamSink({
      stream: response,
      content,
      contentLength: content ? contentLength : undefined,
      finish: (trailers) => {
        if (this.finished) return
        if (trailers !== undefined && trailers.length > 0 && chunked) {
          checkFields(trailers)
          response.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]))
        }
        response.end()
      },
      cut: () => this.destroy(),
      guard: (callback) => this.#guard(callback),
    })
  }

  destroy(): void {
    if (!this.#finished) this.#context.connection.destroy()
  }

  /** False when the client is gone and nothing can be sent. */
  #start(): boolean {
    if (this.#started) throw new ListenerError('RESPONSE_STARTED', 'this exchange has its response')
    this.#started = true
    return !this.finished
  }

  #writeHead(status: number, headers: HeaderList, length: number | undefined, chunked: boolean): void {
    const flat: string[] = []
    for (const [name, value] of headers) {
      // node refuses to announce trailers where there can be none.
      if (!chunked && name.toLowerCase() === 'trailer') continue
      flat.push(name, value)
    }
    if (length !== undefined) flat.push('Content-Length', String(length))
    if (this.#context.connection.closing || this.#context.lastOne || this.bodyPending) {
      this.#response.shouldKeepAlive = false
    }
    this.#response.writeHead(status, flat)
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
