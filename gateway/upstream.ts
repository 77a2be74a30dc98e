import type { Readable } from 'node:stream'
import { Pool } from 'undici'
import type { Dispatcher } from 'undici'

import type { HeaderList } from '../detectors/request.js'
import { codeOf } from '../runtime/errors.js'
import { pairHeaders } from './raw-headers.js'

export interface UpstreamOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string
  readonly connectMs: number
  readonly headersMs: number
  readonly bodyMs: number
  readonly maxRequests: number
}

export interface UpstreamRequest {
  readonly method: string
  /** Origin form. */
  readonly path: string
  /** Name and value in turn. */
  readonly headers: string[]
  readonly body: Uint8Array | Readable | null
}

/** Lets the receiver of a response slow it down or cut it. */
export interface UpstreamFlow {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

/** What comes back. After `onEnd` or `onError` nothing more is called. */
export interface UpstreamHandler {
  /** The request is on its way and can be cut from here on. */
  onStart(flow: UpstreamFlow): void
  onInformational(status: number, headers: HeaderList): void
  onHead(status: number, headers: HeaderList, flow: UpstreamFlow): void
  onData(chunk: Uint8Array): void
  onEnd(trailers: HeaderList): void
  onError(error: Error): void
}

/** Methods whose second sending changes nothing (RFC 9110, section 9.2.2) and that need no body. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** The connection broke: a kept-alive one may have been closed by the upstream at the moment we used it. */
const BROKEN: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])

/** An error that is answered with 504. */
export const timedOut = (message: string): Error => Object.assign(new Error(message), { code: 'ETIMEDOUT' })

/** The status that a failed upstream request becomes: 504 for a timeout, 502 for anything else. */
export const statusOfUpstreamError = (error: Error): 502 | 504 => {
  const code = codeOf(error)
  return code !== undefined && TIMEOUTS.has(code) ? 504 : 502
}

/**
 * The service behind a site: a pool of kept-alive connections. A request is sent once; only one without a body, of a
 * method that may be repeated, is sent a second time, when a kept-alive connection broke before any byte of the
 * answer. There is no queue: over `maxRequests` in flight the caller answers 503 at once.
 */
export class Upstream {
  readonly origin: string
  readonly #pool: Pool
  readonly #maxRequests: number
  readonly #servername: string | undefined
  #inFlight = 0

  constructor(options: UpstreamOptions) {
    this.origin = options.origin
    this.#maxRequests = options.maxRequests
    const url = new URL(options.origin)
    // Without it, undici would take the TLS server name from the Host that the client sent.
    this.#servername = url.protocol === 'https:' ? url.hostname : undefined
    this.#pool = new Pool(options.origin, {
      connections: options.maxRequests,
      pipelining: 1,
      connectTimeout: options.connectMs,
      headersTimeout: options.headersMs,
      bodyTimeout: options.bodyMs,
      keepAliveTimeout: 30_000,
      maxHeaderSize: 64 * 1024,
    })
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get full(): boolean {
    return this.#inFlight >= this.#maxRequests
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): void {
    this.#inFlight++
    const mayRepeat = request.body === null && REPEATABLE.has(request.method)
    this.#dispatch(request, handler, mayRepeat)
  }

  /** Closes the connections once the requests in flight are answered. */
  async close(): Promise<void> {
    await this.#pool.close()
  }

  /** Cuts everything. */
  async destroy(): Promise<void> {
    await this.#pool.destroy()
  }

  #dispatch(request: UpstreamRequest, handler: UpstreamHandler, mayRepeat: boolean): void {
    let flow: Dispatcher.DispatchController | undefined
    let answered = false
    let finished = false
    const finish = (): boolean => {
      if (finished) return false
      finished = true
      this.#inFlight--
      return true
    }
    const options = {
      method: request.method,
      path: request.path,
      headers: request.headers,
      body: request.body,
      ...(this.#servername === undefined ? {} : { servername: this.#servername }),
    }
    this.#pool.dispatch(options, {
      onRequestStart: (controller) => {
        flow = controller
        handler.onStart(controller)
      },
      onResponseStart: (controller, status) => {
        answered = true
        const headers = pairHeaders(controller.rawHeaders)
        if (status < 200) handler.onInformational(status, headers)
        else handler.onHead(status, headers, controller)
      },
      onResponseData: (_, chunk) => handler.onData(chunk),
      onResponseEnd: (controller) => {
        if (finish()) handler.onEnd(pairHeaders(controller.rawTrailers))
      },
      onResponseError: (_, error) => {
        const code = codeOf(error)
        if (mayRepeat && !answered && flow?.aborted !== true && code !== undefined && BROKEN.has(code)) {
          this.#dispatch(request, handler, false)
          return
        }
        if (finish()) handler.onError(error)
      },
    })
  }
}
