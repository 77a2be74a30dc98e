import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { addressOf, listenOnAddress, listenOnPath } from '../listen.js'
import { socketPath } from '../unix-socket.js'
import type { Problem } from './problem.js'
import type { ApiResponse } from './response.js'

const HEADERS_MS = 10_000
const REQUEST_MS = 60_000
const KEEP_ALIVE_MS = 30_000
const CHECK_MS = 5_000
const STOP_MS = 5_000
const MAX_TCP_CONNECTIONS = 2_048
const SOCKET_MODE = 0o600

/** What is known of a request before its body is read. */
export interface RequestHead {
  readonly method: string
  /** Path and query, as sent. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** Whoever reaches the socket owns the data folder; over TCP it takes a token. */
  readonly channel: 'local' | 'tcp'
  /** Address of the caller over TCP. */
  readonly remote?: string | undefined
}

/** A request that may go on: how much body it may have, and what answers it. */
export interface Admitted {
  /** Bytes; a longer body is refused with 413 and not read. */
  readonly maxBody: number
  /** Never rejects. */
  answer(body: Uint8Array): Promise<ApiResponse>
}

/** The HTTP API of a role, without the HTTP. */
export interface Api {
  readonly problem: Problem
  /** The refusal of a request whose body is not worth reading, or what takes it. It never throws. */
  admit(head: RequestHead): ApiResponse | Admitted
}

/** Takes a connection that asks to be a WebSocket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface TcpOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** The key that chooses another address, as the error names it. */
  readonly setting: string
  /** By path. Without any, a request that asks for another protocol is answered like one that does not. */
  readonly upgrades?: Readonly<Record<string, UpgradeHandler>>
}

export interface ApiServer {
  /** `HOST:PORT` for TCP, the path of the socket otherwise. */
  readonly address: string
  /** Answers what is in flight, then ends. */
  close(): Promise<void>
}

/**
 * Serves an API on the Unix socket of a folder (0600). A socket that a killed role left is replaced.
 * @throws RuntimeError `LISTEN_FAILED` when another process serves it
 */
export async function serveSocket(api: Api, folder: string, name: string): Promise<ApiServer> {
  const socket = await socketPath(folder, name)
  const server = serverFor(api, 'local')
  try {
    await listenOnPath(server, socket.path, SOCKET_MODE)
  } catch (error) {
    await socket.close()
    throw error
  }
  return {
    address: join(folder, name),
    close: async () => {
      await stop(server)
      await socket.close()
    },
  }
}

/** Serves an API on a TCP address. @throws RuntimeError `LISTEN_FAILED` */
export async function serveTcp(
  api: Api,
  { host, port, setting, upgrades = {} }: TcpOptions,
): Promise<ApiServer> {
  const server = serverFor(api, 'tcp')
  server.maxConnections = MAX_TCP_CONNECTIONS
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = (request.url ?? '').replace(/\?.*$/s, '')
    const handler = Object.hasOwn(upgrades, path) ? upgrades[path] : undefined
    socket.on('error', () => socket.destroy())
    if (handler) handler(request, socket, head)
    else refuseUpgrade(socket, '404 Not Found')
  }
  if (Object.keys(upgrades).length > 0) server.on('upgrade', upgrade)
  await listenOnAddress(server, { host, port }, setting)
  return { address: addressOf(server.address()), close: () => stop(server) }
}

/**
 * Answers an upgrade that is not taken, and ends its connection at once: the server has let go of it, so that nobody else would
 * when its client does not.
 *
 * @param status code and reason
 * @param fields lines, each with its end
 */
export function refuseUpgrade(socket: Duplex, status: string, fields = ''): void {
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\n${fields}Connection: close\r\nContent-Length: 0\r\n\r\n`)
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  // A caller that never finishes its request must not keep a role from ending.
  const limit = setTimeout(() => server.closeAllConnections(), STOP_MS)
  await closed
  clearTimeout(limit)
}

function serverFor(api: Api, channel: RequestHead['channel']): Server {
  return createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_MS,
    },
    (request, response) => {
      handle(api, channel, request, response).catch(() => response.destroy())
    },
  )
}

async function handle(
  api: Api,
  channel: RequestHead['channel'],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url: target = '', headers } = request
  const admitted = api.admit({ method, target, headers, channel, remote: request.socket.remoteAddress })
  // Whoever may not post must not make us read what it would post.
  if ('status' in admitted) return send(response, method, hasBody(request) ? unread(admitted) : admitted)
  const { maxBody } = admitted
  const body = await readBody(request, maxBody)
  if (body === undefined) {
    const answer = api.problem(413, 'too_large', `a body has at most ${maxBody} bytes here`)
    return send(response, method, unread(answer))
  }
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
