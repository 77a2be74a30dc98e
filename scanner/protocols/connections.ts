import { once } from 'node:events'
import { chmod, lstat, unlink } from 'node:fs/promises'
import {
  connect,
  createServer,
  type AddressInfo,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import type { Logger } from 'pino'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { ProtocolError } from './errors.js'

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

/** Serves each connection of a TCP address or a Unix socket by one function, which owns it until it resolves. */
export async function serveConnections(
  at: { readonly path: string } | { readonly host: string; readonly port: number },
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
  else await listen(server, at, `${at.host}:${at.port}`)
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

/** Where a server listens: `HOST:PORT`, or the path of its socket. */
export const addressOf = (bound: AddressInfo | string | null): string =>
  typeof bound === 'object' && bound !== null
    ? `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
    : (bound ?? '')

async function listen(server: Server, options: ListenOptions, where: string): Promise<void> {
  server.listen(options)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_LISTEN', `cannot listen on ${where}: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Listens on a Unix socket. One that nobody serves any more is replaced; one in use and anything else are refused.
 * @throws ProtocolError `PROTOCOL_LISTEN`
 */
export async function listenOnPath(server: Server, path: string, mode: number): Promise<void> {
  const before = await lstat(path).catch(() => undefined)
  if (before && !before.isSocket())
    throw new ProtocolError('PROTOCOL_LISTEN', `cannot listen on ${path}: it is there and is no socket`)
  if (before) {
    if (await isServed(path))
      throw new ProtocolError('PROTOCOL_LISTEN', `cannot listen on ${path}: another process serves it`)
    await unlink(path)
  }
  // The socket is made before `listen` returns, and never for a moment with a wider mode.
  const umask = process.umask(0o777 & ~mode)
  let listening
  try {
    listening = listen(server, { path }, path)
  } finally {
    process.umask(umask)
  }
  await listening
  await chmod(path, mode)
}

const isServed = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'))
  })
