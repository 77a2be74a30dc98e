import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { addressOf, listenOnAddress, listenOnPath } from '../../runtime/listen.js'

/** Connections at once; more are closed at once, which their clients see and this log tells. */
export const MAX_CONNECTIONS = 256
/** Owner and group may connect. */
const SOCKET_MODE = 0o660

export interface ProtocolServer {
  /** `HOST:PORT`, or the path of the socket. */
  readonly address: string
  /** Ends every connection. */
  close(): Promise<void>
}

/** Where to listen; `setting` is the key that chooses another address, as the error names it. */
export type ListenAt =
  { readonly path: string } | { readonly host: string; readonly port: number; readonly setting: string }

/**
 * Serves each connection of a TCP address or a Unix socket by one function, which owns it until it resolves.
 * @throws RuntimeError `LISTEN_FAILED`
 */
export async function serveConnections(
  at: ListenAt,
  serve: (socket: Socket) => Promise<void>,
  log: Logger,
): Promise<ProtocolServer> {
  const open = new Map<Socket, Promise<void>>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', (error) => log.debug({ err: error }, 'a connection broke'))
    const served = serve(socket)
      .catch((error: unknown) => {
        log.error({ err: error }, 'a connection failed')
        socket.destroy()
      })
      .finally(() => open.delete(socket))
    open.set(socket, served)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.on('drop', () => log.warn({ limit: MAX_CONNECTIONS }, 'a connection was refused: too many are open'))
  if ('path' in at) await listenOnPath(server, at.path, SOCKET_MODE)
  else await listenOnAddress(server, at, at.setting)
  return {
    address: addressOf(server.address()),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open.keys()) socket.destroy()
      await Promise.all([closed, ...open.values()])
    },
  }
}
