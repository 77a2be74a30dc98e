import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
} from 'uWebSockets.js'
import { ListenerError } from '../errors.js'
import type { Listener, ListenOptions, SocketEnd } from '../listener.js'
import { checkOptions, maxMessageBytes } from '../options.js'
import { UwsExchange, type UwsContext } from './exchange.js'
import { UWS_LIMITS } from './limits.js'
import { loadUws, type Uws } from './load.js'
import { copyRequest, type CopiedRequest } from './request.js'
import { NativeResponse, writeHead } from './response.js'
import { isHandshake, UwsUpgrade, type WebSocketData } from './websocket.js'

/** In seconds, 0 or 8 to 960: anything else ends the process. Pings keep a living connection open. */
const WEBSOCKET_IDLE_S = 120

/** Without it uWebSockets lets any process of the same user take a part of the connections. */
const EXCLUSIVE_PORT = 1

/**
 * The listener on uWebSockets.js: plain HTTP/1.1.
 *
 * @throws ListenerError `INVALID_OPTION`, `LISTENER_UNAVAILABLE` or `LISTEN_FAILED`.
 */
export async function listenUws(options: ListenOptions): Promise<Listener> {
  checkOptions(options)
  if (options.tls !== undefined) {
    throw new ListenerError('LISTENER_UNAVAILABLE', 'the uws listener has no TLS: use the node listener')
  }
  if (options.sharePort === true && options.port === 0) {
    throw new ListenerError('INVALID_OPTION', 'a port that threads share must have a number')
  }
  return new UwsServer(loadUws(), options).listen()
}

class UwsServer {
  readonly #uws: Uws
  readonly #options: ListenOptions
  readonly #app: TemplatedApp
  readonly #context: UwsContext
  #local: SocketEnd
  #socket: us_listen_socket | undefined
  #inWork = 0
  #idle: (() => void) | undefined
  #closing: Promise<void> | undefined
  #closed = false
  /** A thread that ends, also by an error, with sockets of uWebSockets still open takes the whole process with it. */
  readonly #onExit = (): void => this.#closeAll()

  constructor(uws: Uws, options: ListenOptions) {
    this.#uws = uws
    this.#options = options
    this.#local = { address: options.host, port: options.port }
    const local = (): SocketEnd => this.#local
    this.#context = {
      get local() {
        return local()
      },
      closing: () => this.#closing !== undefined,
      onFailure: (error) => options.onFailure(error),
    }
    this.#app = uws.App()
    this.#app.ws<WebSocketData>('/*', {
      maxPayloadLength: maxMessageBytes(options),
      maxBackpressure: 2 * maxMessageBytes(options) + 1024 * 1024,
      idleTimeout: WEBSOCKET_IDLE_S,
      sendPingsAutomatically: true,
      compression: uws.DISABLED,
      upgrade: (response, request, context) => this.#request(response, request, context),
      open: (socket) => {
        this.#begin()
        socket.getUserData().connection.opened(socket)
      },
      message: (socket, message, binary) => socket.getUserData().connection.received(message, binary),
      drain: (socket) => socket.getUserData().connection.writable(),
      close: (socket, code, reason) => {
        socket.getUserData().connection.closed(code, reason)
        this.#end()
      },
    })
    this.#app.any('/*', (response, request) => this.#request(response, request))
  }

  async listen(): Promise<Listener> {
    const { host, port, sharePort } = this.#options
    this.#socket = await new Promise<us_listen_socket>((resolve, reject) => {
      const listening = (socket: us_listen_socket | false): void => {
        if (socket === false) reject(new ListenerError('LISTEN_FAILED', `cannot listen on ${host}:${port}`))
        else resolve(socket)
      }
      this.#listen(host, port, sharePort === true, listening)
    })
    this.#local = { address: host, port: this.#uws.us_socket_local_port(this.#socket) }
    process.once('exit', this.#onExit)
    return {
      name: 'uws',
      address: { host, port: this.#local.port },
      limits: UWS_LIMITS,
      sharesPort: true,
      close: (graceMs) => (this.#closing ??= this.#close(graceMs)),
    }
  }

  #request(native: HttpResponse, request: HttpRequest, upgrade?: us_socket_context_t): void {
    this.#begin()
    const response = new NativeResponse(native, () => this.#end())
    try {
      const copy = copyRequest(native, request)
      if (copy.undecodable) this.#refuse(response, copy, 'undecodable_bytes', 400)
      else if (copy.headBytes > this.#options.maxHeaderBytes)
        this.#refuse(response, copy, 'header_overflow', 431)
      else if (upgrade !== undefined && isHandshake(copy)) {
        this.#options.onUpgrade(new UwsUpgrade(copy, response, upgrade, this.#context))
      } else this.#options.onExchange(new UwsExchange(copy, response, this.#context))
    } catch (error) {
      response.destroy()
      this.#options.onFailure(error)
    }
  }

  #refuse(response: NativeResponse, request: CopiedRequest, reason: string, status: 400 | 431): void {
    this.#options.onMalformed({ client: request.client, reason, listener: 'uws', count: 1 })
    response.corked((native) => {
      writeHead(native, status, [['Content-Type', 'text/plain']])
      native.end(status === 400 ? '400 Bad Request\n' : '431 Request Header Fields Too Large\n', true)
      response.dead()
    })
  }

  #begin(): void {
    this.#inWork++
  }

  #end(): void {
    this.#inWork--
    if (this.#inWork === 0) this.#idle?.()
  }

  async #close(graceMs: number): Promise<void> {
    this.#stopListening()
    if (this.#inWork > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        this.#idle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    // One turn, so that what was written last is on its way.
    await new Promise<void>((resolve) => setImmediate(resolve))
    process.removeListener('exit', this.#onExit)
    this.#closeAll()
  }

  #stopListening(): void {
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) this.#uws.us_listen_socket_close(socket)
  }

  #closeAll(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopListening()
    if ('close' in this.#app && typeof this.#app.close === 'function') this.#app.close()
  }

  #listen(
    host: string,
    port: number,
    share: boolean,
    listening: (socket: us_listen_socket | false) => void,
  ): void {
    if (share) this.#app.listen(host, port, listening)
    // A form that its types do not know: host, port, options, callback.
    else Reflect.apply(Reflect.get(this.#app, 'listen'), this.#app, [host, port, EXCLUSIVE_PORT, listening])
  }
}
