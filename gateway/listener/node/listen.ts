import { createServer, ServerResponse, type IncomingMessage } from 'node:http'
import { createSecureServer } from 'node:http2'
import { Socket, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ListenerError } from '../errors.js'
import type { Listener, ListenOptions } from '../listener.js'
import { checkOptions } from '../options.js'
import { Http1Connection } from './http1-connection.js'
import { Http1Exchange } from './http1-exchange.js'
import { HTTP2_LIMITS, http2Settings, Http2Sessions } from './http2-sessions.js'
import { GatewayRequest } from './incoming.js'
import { parseFailure } from './parse-failure.js'
import { NodeUpgrade } from './raw-upgrade.js'

const LIMITS: readonly string[] = [
  'chunk extensions, empty lines before a request and further spaces inside a request line are not delivered',
  'OPTIONS under the name RTSP/1.0 is taken as HTTP/1.0',
  'methods outside the IANA list, and bytes over 0x7F in a request target, are answered with 400 before any rule runs',
  'a client that closes its sending half counts as gone',
  'a body that comes slowly is waited for, however slowly it comes',
  'one thread per port: node 20 cannot share a port between the threads of a process',
]

/** Methods of RTSP and Icecast, which node's parser takes under those protocols' names; they are not HTTP. */
const FOREIGN_METHODS: ReadonlySet<string> = new Set([
  'ANNOUNCE',
  'DESCRIBE',
  'FLUSH',
  'GET_PARAMETER',
  'PAUSE',
  'PLAY',
  'PRI',
  'RECORD',
  'REDIRECT',
  'SETUP',
  'SET_PARAMETER',
  'SOURCE',
  'TEARDOWN',
])

/**
 * The listener on node's own HTTP: HTTP/1.0, HTTP/1.1, and with TLS HTTP/2.
 *
 * @throws ListenerError `INVALID_OPTION`, `LISTENER_UNAVAILABLE` or `LISTEN_FAILED`.
 */
export async function listenNode(options: ListenOptions): Promise<Listener> {
  checkOptions(options)
  if (options.sharePort === true) {
    throw new ListenerError(
      'LISTENER_UNAVAILABLE',
      'the node listener cannot share a port between threads: use one thread, several processes (node:cluster), or uws',
    )
  }
  return new NodeServer(options).listen()
}

class NodeServer {
  readonly #options: ListenOptions
  readonly #server: Server
  readonly #connections = new Map<Socket, Http1Connection>()
  readonly #sessions: Http2Sessions
  /** All that were accepted, also those that have not finished their TLS handshake. */
  readonly #sockets = new Set<Socket>()
  #closing: Promise<void> | undefined

  constructor(options: ListenOptions) {
    this.#options = options
    this.#sessions = new Http2Sessions(options, 'node')
    this.#server = options.tls === undefined ? this.#plain() : this.#secure()
    const server = this.#server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (request: GatewayRequest, response: ServerResponse) =>
      this.#request(request, response, false),
    )
    server.on('checkContinue', (request: GatewayRequest, response: ServerResponse) =>
      this.#request(request, response, true),
    )
    server.on('checkExpectation', (request: GatewayRequest, response: ServerResponse) =>
      this.#request(request, response, false),
    )
    server.on('connect', (request: IncomingMessage, socket: Duplex) => this.#connect(request, socket))
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Uint8Array) =>
      this.#upgrade(request, socket, head),
    )
    server.on('clientError', (error: Error, socket: Duplex) => this.#clientError(error, socket))
    server.on('timeout', (source: unknown) => {
      if (source instanceof Socket) this.#connection(source).timeout()
    })
  }

  async listen(): Promise<Listener> {
    const server = this.#server
    const { host, port, tls } = this.#options
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => {
        reject(
          new ListenerError('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${error.message}`, {
            cause: error,
          }),
        )
      }
      server.once('error', failed)
      server.listen({ host, port, exclusive: false }, () => {
        server.removeListener('error', failed)
        server.on('error', (error) => this.#options.onFailure(error))
        resolve()
      })
    })
    const bound = server.address()
    return {
      name: 'node',
      address: { host, port: bound !== null && typeof bound === 'object' ? bound.port : port },
      limits: tls === undefined ? LIMITS : [...LIMITS, ...HTTP2_LIMITS],
      sharesPort: false,
      close: (graceMs) => (this.#closing ??= this.#close(graceMs)),
    }
  }

  #plain(): Server {
    const { timeouts, maxHeaderBytes } = this.#options
    const server = createServer({
      IncomingMessage: GatewayRequest,
      ...http1Settings(this.#options),
      insecureHTTPParser: false,
      maxHeaderSize: maxHeaderBytes,
      noDelay: true,
    })
    server.maxHeadersCount = 0
    server.timeout = timeouts.bodyIdleMs
    server.on('connection', (socket: Socket) => this.#connection(socket))
    return server
  }

  #secure(): Server {
    const { tls, timeouts, maxHeaderBytes } = this.#options
    const server = createSecureServer({
      allowHTTP1: true,
      Http1IncomingMessage: GatewayRequest,
      key: tls?.key,
      cert: tls?.cert,
      minVersion: tls?.minVersion ?? 'TLSv1.2',
      handshakeTimeout: timeouts.headersMs,
      ...http2Settings(this.#options),
    })
    // node reads these from the server when an HTTP/1 connection starts; only node:http's own constructor takes them as options.
    Object.assign(server, http1Settings(this.#options), {
      insecureHTTPParser: false,
      maxHeaderSize: maxHeaderBytes,
      maxHeadersCount: 0,
      timeout: timeouts.bodyIdleMs,
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol !== 'h2') this.#connection(socket)
    })
    server.on('session', (session) => this.#sessions.add(session))
    // Listening for `request` makes node wrap every HTTP/2 stream in its compatibility layer: listen first, then take
    // the streams away from it.
    server.on('request', () => undefined)
    server.removeAllListeners('stream')
    return server
  }

  #request(request: GatewayRequest, response: ServerResponse, expectsContinue: boolean): void {
    const connection = this.#connection(request.socket)
    const version = `${request.httpVersionMajor}.${request.httpVersionMinor}`
    if ((version !== '1.1' && version !== '1.0') || FOREIGN_METHODS.has(request.method ?? '')) {
      connection.fail({ reason: 'invalid_version', status: 400 })
      return
    }
    connection.enqueue(
      new Http1Exchange(request, response, {
        connection,
        tls: this.#options.tls !== undefined,
        expectsContinue,
        lastOne: request.upgradeAsked === true,
        onDeliver: (exchange) => this.#options.onExchange(exchange),
        onFailure: (error) => this.#options.onFailure(error),
      }),
    )
  }

  /** node has let go of the socket and closes it after this event, unless it is answered: as any other exchange. */
  #connect(request: IncomingMessage, duplex: Duplex): void {
    const socket = duplex instanceof Socket ? duplex : request.socket
    const connection = this.#connection(socket)
    if (!connection.idle) {
      connection.malformed({ reason: 'pipelined_connect', status: 400 })
      socket.destroy()
      return
    }
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => {
      response.detachSocket(socket)
      connection.linger()
    })
    connection.enqueue(
      new Http1Exchange(request, response, {
        connection,
        tls: this.#options.tls !== undefined,
        expectsContinue: false,
        lastOne: true,
        onDeliver: (exchange) => this.#options.onExchange(exchange),
        onFailure: (error) => this.#options.onFailure(error),
      }),
    )
  }

  #upgrade(request: IncomingMessage, duplex: Duplex, head: Uint8Array): void {
    const socket = duplex instanceof Socket ? duplex : request.socket
    const connection = this.#connection(socket)
    if (!connection.idle) {
      connection.malformed({ reason: 'pipelined_upgrade', status: 400 })
      socket.destroy()
      return
    }
    socket.setTimeout(0)
    connection.handOver()
    const upgrade = new NodeUpgrade(request, socket, head, {
      connection,
      tls: this.#options.tls !== undefined,
    })
    this.#guard(
      () => this.#options.onUpgrade(upgrade),
      () => upgrade.destroy(),
    )
  }

  #clientError(error: Error, duplex: Duplex): void {
    const failure = parseFailure(error)
    if (failure === undefined || !(duplex instanceof Socket)) duplex.destroy()
    else this.#connection(duplex).fail(failure)
  }

  #connection(socket: Socket): Http1Connection {
    const known = this.#connections.get(socket)
    if (known !== undefined) return known
    const connection = new Http1Connection(socket, this.#options)
    this.#connections.set(socket, connection)
    socket.once('close', () => this.#connections.delete(socket))
    return connection
  }

  #guard(callback: () => void, cut: () => void): void {
    try {
      callback()
    } catch (error) {
      cut()
      this.#options.onFailure(error)
    }
  }

  async #close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections.values()) connection.closeWhenIdle()
    this.#sessions.close()
    const timer = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.destroy()
      this.#sessions.destroy()
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    await closed
    clearTimeout(timer)
  }
}

function http1Settings(options: ListenOptions): {
  readonly headersTimeout: number
  readonly requestTimeout: number
  readonly keepAliveTimeout: number
  readonly connectionsCheckingInterval: number
  readonly requireHostHeader: boolean
} {
  const { headersMs, idleMs } = options.timeouts
  return {
    headersTimeout: headersMs,
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(1000, Math.max(10, Math.floor(headersMs / 4))),
    requireHostHeader: false,
  }
}
