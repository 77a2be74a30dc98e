import type { HeaderList } from '../../../detectors/request.js'
import { ListenerError } from '../errors.js'
import type { Exchange, RefusalReason, ResponseOptions, ResponseSink, SocketEnd } from '../listener.js'
import { announcedLength, refusalOf } from '../refusal.js'
import { bodyBytes, checkFields, hasContent, prepareHead } from '../response-head.js'
import { UwsBody } from './body.js'
import { header, type CopiedRequest } from './request.js'
import { type NativeResponse, writeHead } from './response.js'
import { UwsSink } from './sink.js'

export interface UwsContext {
  readonly local: SocketEnd
  /** True once the listener is closing: the connection ends with this response. */
  closing(): boolean
  onFailure(error: unknown): void
}

/** A longer body is sent as a stream: its exchange is over when it has left, and not when it lies in a buffer. */
const SENT_AT_ONCE = 64 * 1024

/** One request and its response on uWebSockets. */
export class UwsExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly httpVersion = '1.1'
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls = false
  declare readonly refuse?: RefusalReason
  readonly body: UwsBody
  readonly #response: NativeResponse
  readonly #context: UwsContext
  #started = false

  constructor(request: CopiedRequest, response: NativeResponse, context: UwsContext) {
    this.method = request.method
    this.target = request.target
    this.headers = request.headers
    this.peer = { address: request.client, port: 0 }
    this.local = context.local
    this.#response = response
    this.#context = context
    const refuse = refusalOf(this)
    if (refuse !== undefined) this.refuse = refuse
    const contentLength = announcedLength(this.headers)
    this.body = new UwsBody(
      response,
      {
        present: contentLength !== undefined || header(this.headers, 'transfer-encoding') !== undefined,
        contentLength,
      },
      (callback) => this.#guard(callback),
    )
  }

  get finished(): boolean {
    return !this.#response.alive
  }

  onAborted(callback: () => void): void {
    this.#response.onAborted(() => this.#guard(callback))
  }

  writeInformational(_status: 103, headers: HeaderList): boolean {
    checkFields(headers)
    return false
  }

  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void {
    const head = prepareHead(status, headers)
    const bytes = bodyBytes(body)
    this.#start()
    if (!hasContent(this.method, status)) {
      this.#withoutContent(status, head.headers, bytes?.length ?? head.givenLength)
      return
    }
    this.body.discard()
    if (bytes !== undefined && bytes.length > SENT_AT_ONCE) {
      const sink = this.#stream(status, head.headers, bytes.length)
      sink.write(bytes)
      sink.end()
      return
    }
    this.#response.corked((native) => {
      writeHead(native, status, head.headers)
      native.end(bytes ?? '', this.#context.closing())
      this.#response.dead()
    })
  }

  startResponse(status: number, headers: HeaderList, options?: ResponseOptions): ResponseSink {
    const head = prepareHead(status, headers)
    this.#start()
    const content = hasContent(this.method, status)
    if (!content) {
      this.#withoutContent(status, head.headers, options?.contentLength ?? head.givenLength)
      return new UwsSink(this.#response, {
        contentLength: undefined,
        guard: (callback) => this.#guard(callback),
      })
    }
    return this.#stream(status, head.headers, options?.contentLength)
  }

  destroy(): void {
    this.#response.destroy()
  }

  #stream(status: number, headers: HeaderList, contentLength: number | undefined): UwsSink {
    this.#response.corked((native) => {
      writeHead(native, status, headers)
      if (this.#context.closing()) native.writeHeader('Connection', 'close')
    })
    return new UwsSink(this.#response, { contentLength, guard: (callback) => this.#guard(callback) })
  }

  #withoutContent(status: number, headers: HeaderList, length: number | undefined): void {
    this.body.discard()
    this.#response.corked((native) => {
      writeHead(native, status, headers)
      if (this.#context.closing()) native.writeHeader('Connection', 'close')
      if (length !== undefined && status !== 204) native.writeHeader('Content-Length', String(length))
      // Any argument, even undefined, is taken as a length, and so many bytes are then waited for.
      native.endWithoutBody()
      this.#response.dead()
    })
  }

  #start(): void {
    if (this.#started) throw new ListenerError('RESPONSE_STARTED', 'this exchange has its response')
    this.#started = true
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
