import { once } from 'node:events'
import { chmod, unlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ListenOptions } from 'node:net'
import type { Duplex } from 'node:stream'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { socketPath } from '../../runtime/unix-socket.js'
import { IncidentError } from '../errors.js'
import type { IncidentApi, RequestHead } from './api.js'
import type { ApiResponse } from './message.js'
import { problem } from './problem.js'

export const SOCKET_NAME = 'incidents.sock'
const HEADERS_MS = 10_000
const REQUEST_MS = 30_000
const KEEP_ALIVE_MS = 15_000
const STOP_MS = 5000
const MAX_CONNECTIONS = 1024

/** Takes a connection that asks to be a WebSocket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface ServerOptions {
  readonly api: IncidentApi
  /** By path, for TCP. */
  readonly upgrades?: Readonly<Record<string, UpgradeHandler>>
}

export interface ApiServer {
  readonly host: string
  readonly port: number
  /** Answers what is in flight, then ends. */
  close(): Promise<void>
}

/** Serves the API on the Unix socket of a folder (0600). A socket that a killed role left is replaced. */
export async function serveSocket(
  { api }: ServerOptions,
  folder: string,
): Promise<{ close(): Promise<void> }> {
  const socket = await socketPath(folder, SOCKET_NAME)
  await unlink(socket.path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  const server = serverFor(api, 'local')
  await listen(server, { path: socket.path })
  // Until here the folder's own mode (0700) keeps everybody else out.
  await chmod(socket.path, 0o600)
  return {
    close: async () => {
      await stop(server)
      await socket.close()
    },
  }
}

/** Serves the API on a TCP address. @throws IncidentError `LISTEN` */
export async function serveTcp(
  { api, upgrades = {} }: ServerOptions,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<ApiServer> {
  const server = serverFor(api, 'tcp')
  server.maxConnections = MAX_CONNECTIONS
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = (request.url ?? '').replace(/\?.*$/s, '')
    const handler = Object.hasOwn(upgrades, path) ? upgrades[path] : undefined
    socket.on('error', () => socket.destroy())
    if (handler) handler(request, socket, head)
    else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  await listen(server, { host, port })
  const bound = server.address()
  return {
    host,
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () => stop(server),
  }
}

async function listen(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const where = options.path ?? `${options.host}:${options.port} (incidents.listen)`
    throw new IncidentError('LISTEN', `the incidents cannot listen on ${where}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const limit = setTimeout(() => server.closeAllConnections(), STOP_MS)
  await closed
  clearTimeout(limit)
}

function serverFor(api: IncidentApi, channel: 'local' | 'tcp'): Server {
  return createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5000,
    },
    (request, response) => {
      handle(api, channel, request, response).catch(() => response.destroy())
    },
  )
}

async function handle(
  api: IncidentApi,
  channel: 'local' | 'tcp',
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url: target = '', headers } = request
  const head: RequestHead = { method, target, headers, channel, remote: request.socket.remoteAddress }
  const admitted = api.admit(head)
  // Whoever may not post must not make us read what it would post.
  if ('status' in admitted) return send(response, method, hasBody(request) ? unread(admitted) : admitted)
  const body = await readBody(request, admitted.maxBody)
  if (body === undefined)
    return send(
      response,
      method,
      unread(problem(413, 'too_large', `a body has at most ${admitted.maxBody} bytes here`)),
    )
  send(response, method, await admitted.answer(body))
}

function send(response: ServerResponse, method: string, { status, headers, body }: ApiResponse): void {
  response.writeHead(status, {
    'x-content-type-options': 'nosniff',
    ...headers,
    'content-length': body.length,
  })
  response.end(method === 'HEAD' ? undefined : body)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The connection ends with an answer to a request whose body was not read. */
const unread = (answer: ApiResponse): ApiResponse => ({
  ...answer,
  headers: { ...answer.headers, connection: 'close' },
})

/** The body, or `undefined` when it is over the limit: the rest is then not read. */
async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return undefined
  const chunks: Buffer[] = []
  let length = 0
  // Leaving the loop early must not destroy the connection: the answer still has to go out on it.
  const stream: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
  for await (const chunk of stream) {
    length += chunk.length
    if (length > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
