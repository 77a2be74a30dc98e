import type { us_socket_context_t, WebSocket } from 'uWebSockets.js'
import type { HeaderList } from '../../../detectors/request.js'
import type {
  RefusalReason,
  SocketEnd,
  WebSocketHandlers,
  WebSocketPeer,
  WebSocketUpgrade,
} from '../listener.js'
import { ListenerError } from '../errors.js'
import { refusalOf } from '../refusal.js'
import { bodyBytes, checkFields, prepareHead } from '../response-head.js'
import type { UwsContext } from './exchange.js'
import { header, type CopiedRequest } from './request.js'
import { type NativeResponse, writeHead } from './response.js'

/** What uWebSockets keeps with a connection. */
export interface WebSocketData {
  readonly connection: UwsWebSocket
}

/** Fields of the handshake's answer that are uWebSockets' own. */
const HANDSHAKE: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'transfer-encoding',
  'upgrade',
])

/** Whether a request that uWebSockets routed by its key is a handshake of RFC 6455 section 4.2.1. */
export function isHandshake(request: CopiedRequest): boolean {
  return (
    header(request.headers, 'upgrade')?.toLowerCase() === 'websocket' &&
    header(request.headers, 'sec-websocket-version') === '13' &&
    header(request.headers, 'content-length') === undefined &&
    header(request.headers, 'transfer-encoding') === undefined
  )
}

/** A WebSocket handshake on uWebSockets, which speaks the protocol itself. */
export class UwsUpgrade implements WebSocketUpgrade {
  readonly kind = 'websocket'
  readonly method: string
  readonly target: string
  readonly httpVersion = '1.1'
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls = false
  readonly protocols: readonly string[]
  declare readonly refuse?: RefusalReason
  readonly #response: NativeResponse
  readonly #context: UwsContext
  readonly #socketContext: us_socket_context_t

  constructor(
    request: CopiedRequest,
    response: NativeResponse,
    socketContext: us_socket_context_t,
    context: UwsContext,
  ) {
    this.method = request.method
    this.target = request.target
    this.headers = request.headers
    this.peer = { address: request.client, port: 0 }
    this.local = context.local
    this.protocols = (header(request.headers, 'sec-websocket-protocol') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
    const refuse = refusalOf(this)
    if (refuse !== undefined) this.refuse = refuse
    this.#response = response
    this.#context = context
    this.#socketContext = socketContext
  }

  onAborted(callback: () => void): void {
    this.#response.onAborted(() => {
      try {
        callback()
      } catch (error) {
        this.#context.onFailure(error)
      }
    })
  }

  accept(
    options: { readonly headers?: HeaderList; readonly protocol?: string },
    handlers: WebSocketHandlers,
  ): void {
    const headers = (options.headers ?? []).filter(([name]) => !HANDSHAKE.has(name.toLowerCase()))
    checkFields(headers)
    const protocol = options.protocol ?? ''
    if (protocol !== '' && !this.protocols.includes(protocol)) {
      throw new ListenerError('INVALID_RESPONSE', 'the client did not offer this subprotocol')
    }
    const data: WebSocketData = {
      connection: new UwsWebSocket(handlers, (error) => this.#context.onFailure(error)),
    }
    this.#response.corked((native) => {
      writeHead(native, 101, headers)
      this.#response.dead()
      native.upgrade(data, header(this.headers, 'sec-websocket-key') ?? '', protocol, '', this.#socketContext)
    })
  }

  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void {
    const head = prepareHead(status, headers)
    const bytes = bodyBytes(body)
    this.#response.corked((native) => {
      writeHead(native, status, head.headers)
      if (status === 204 || status === 304) native.endWithoutBody()
      else native.end(bytes ?? '', true)
      this.#response.dead()
    })
  }

  destroy(): void {
    this.#response.destroy()
  }
}

/** An accepted WebSocket. */
export class UwsWebSocket implements WebSocketPeer {
  readonly #handlers: WebSocketHandlers
  readonly #onFailure: (error: unknown) => void
  #native: WebSocket<WebSocketData> | undefined
  #drained: (() => void) | undefined
  #blocked = false

  constructor(handlers: WebSocketHandlers, onFailure: (error: unknown) => void) {
    this.#handlers = handlers
    this.#onFailure = onFailure
  }

  get bufferedBytes(): number {
    return this.#native?.getBufferedAmount() ?? 0
  }

  send(message: Uint8Array, binary: boolean): boolean {
    const native = this.#native
    if (native === undefined) return true
    let result = 1
    native.cork(() => {
      result = native.send(message, binary, false)
    })
    // 2: dropped, because too much is waiting. A stream with a hole is worse than a closed one.
    if (result === 2) this.destroy()
    this.#blocked = result === 0
    return result === 1
  }

  onDrain(callback: () => void): void {
    this.#drained = callback
  }

  close(code: number, reason: Uint8Array): void {
    if (code === 1005 || code === 1006) this.#native?.end()
    else this.#native?.end(code, reason)
  }

  destroy(): void {
    this.#native?.close()
  }

  opened(native: WebSocket<WebSocketData>): void {
    this.#native = native
    this.#guard(() => this.#handlers.onOpen(this))
  }

  received(message: ArrayBuffer, binary: boolean): void {
    const copy = new Uint8Array(message.slice(0))
    this.#guard(() => this.#handlers.onMessage(copy, binary))
  }

  writable(): void {
    const drained = this.#drained
    if (!this.#blocked || drained === undefined || this.bufferedBytes > 0) return
    this.#blocked = false
    this.#guard(drained)
  }

  closed(code: number, reason: ArrayBuffer): void {
    this.#native = undefined
    const copy = new Uint8Array(reason.slice(0))
    this.#guard(() => this.#handlers.onClose(code, copy))
  }

  #guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.destroy()
      this.#onFailure(error)
    }
  }
}
