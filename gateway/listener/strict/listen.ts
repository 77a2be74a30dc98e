import { performServerHandshake } from 'node:http2'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { ListenerError } from '../errors.js'
import type { Listener, ListenOptions, ListenTls } from '../listener.js'
import { HTTP2_LIMITS, http2Settings, Http2Sessions } from '../node/http2-sessions.js'
import { checkOptions } from '../options.js'
import { CoarseClock } from './coarse-clock.js'
import { StrictConnection, type ConnectionHost } from './connection.js'

const LIMITS: readonly string[] = [
  'chunk extensions, and one empty line before a request, are checked and not delivered',
  'a client that closes its sending half counts as gone when its response stands still for a second',
]
const ONE_THREAD = 'one thread per port: this Node cannot share a port between the threads of a process'

/** Whether this Node knows `reusePort`, which the kernels of Linux and the BSDs spread connections by. */
export const STRICT_SHARES_PORT = knowsReusePort(process.versions.node, process.platform)

/**
 * The listener of our own: HTTP/1.1 and 1.0 by RFC 9112 on node's sockets. With TLS, clients that choose HTTP/2 get node's.
 *
 * @throws ListenerError `INVALID_OPTION`, `LISTENER_UNAVAILABLE` or `LISTEN_FAILED`.
 */
export async function listenStrict(options: ListenOptions): Promise<Listener> {
  checkOptions(options)
  if (options.sharePort === true && !STRICT_SHARES_PORT) {
    throw new ListenerError(
      'LISTENER_UNAVAILABLE',
      'the strict listener needs Node 22.12 on Linux to share a port between threads: use one thread, several processes (node:cluster), or uws',
    )
  }
  if (options.sharePort === true && options.port === 0) {
    throw new ListenerError('INVALID_OPTION', 'a port that threads share must have a number')
  }
  return new StrictServer(options).listen()
}

class StrictServer implements ConnectionHost {
  readonly options: ListenOptions
  readonly clock: CoarseClock
  readonly #server: Server
  readonly #connections = new Set<StrictConnection>()
  readonly #sessions: Http2Sessions
  /** All that were accepted, also those in a TLS handshake and those handed over. */
  readonly #sockets = new Set<Socket>()
  #closing: Promise<void> | undefined

  constructor(options: ListenOptions) {
    this.options = options
    this.#sessions = new Http2Sessions(options, 'strict')
    this.#server = options.tls === undefined ? this.#plain() : this.#secure(options.tls)
    const { headersMs, idleMs, bodyIdleMs } = options.timeouts
    this.clock = new CoarseClock(Math.min(headersMs, idleMs, bodyIdleMs), () => {
      for (const connection of this.#connections) connection.tick()
    })
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  get closing(): boolean {
    return this.#closing !== undefined
  }

  left(connection: StrictConnection): void {
    this.#connections.delete(connection)
  }

  async listen(): Promise<Listener> {
    const server = this.#server
    const { host, port, sharePort = false } = this.options
    // `reusePort` is not in the types of Node 20.
    const address = { host, port, exclusive: sharePort, reusePort: sharePort }
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => {
        this.clock.stop()
        reject(
          new ListenerError('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${error.message}`, {
            cause: error,
          }),
        )
      }
      server.once('error', failed)
      server.listen(address, () => {
        server.removeListener('error', failed)
        server.on('error', (error) => this.options.onFailure(error))
        resolve()
      })
    })
    const bound = server.address()
    return {
      name: 'strict',
      address: { host, port: bound !== null && typeof bound === 'object' ? bound.port : port },
      limits: [
        ...LIMITS,
        ...(STRICT_SHARES_PORT ? [] : [ONE_THREAD]),
        ...(this.options.tls === undefined ? [] : HTTP2_LIMITS),
      ],
      sharesPort: STRICT_SHARES_PORT,
      close: (graceMs) => (this.#closing ??= this.#close(graceMs)),
    }
  }

  #plain(): Server {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.on('connection', (socket: Socket) => this.#serve(socket))
    return server
  }

  #secure({ key, cert, minVersion = 'TLSv1.2' }: ListenTls): Server {
    const server = createTlsServer({
      key,
      cert,
      minVersion,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: this.options.timeouts.headersMs,
      allowHalfOpen: true,
      noDelay: true,
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2')
        this.#sessions.add(performServerHandshake(socket, http2Settings(this.options)))
      else this.#serve(socket)
    })
    return server
  }

  #serve(socket: Socket): void {
    this.#connections.add(new StrictConnection(socket, this))
  }

  async #close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.closeWhenIdle()
    this.#sessions.close()
    const timer = setTimeout(() => {
      this.#sessions.destroy()
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    await closed
    clearTimeout(timer)
    this.clock.stop()
  }
}

/** @param version of node; `reusePort` came with 22.12 and 23.1. */
export function knowsReusePort(version: string, platform: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return (
    (platform === 'linux' || platform === 'freebsd') &&
    (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12))
  )
}
