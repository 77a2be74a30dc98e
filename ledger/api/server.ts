import { chmod, unlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { socketPath } from '../../runtime/unix-socket.js'
import { LedgerError } from '../errors.js'
import type { ApiRequest, ApiResponse } from './message.js'
import { problem } from './problem.js'
import type { Api } from './routes.js'

export const SOCKET_NAME = 'ledger.sock'
const HEADERS_MS = 10_000
const REQUEST_MS = 60_000
const KEEP_ALIVE_MS = 30_000
const STOP_MS = 5_000
const MAX_TCP_CONNECTIONS = 2_048

export interface ApiServer {
  /** `HOST:PORT` for TCP, the path of the socket otherwise. */
  readonly address: string
  /** Answers what is in flight, then ends. */
  close(): Promise<void>
}

/** Serves the API on the Unix socket of a folder (0600). A socket that a crashed writer left is replaced. */
export async function serveSocket(api: Api, folder: string, maxBodyBytes: number): Promise<ApiServer> {
  const socket = await socketPath(folder, SOCKET_NAME)
  await unlink(socket.path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  const server = serverFor(api, 'local', maxBodyBytes)
  await listen(server, { path: socket.path })
  // Until here the folder's own mode (0700) keeps everybody else out.
  await chmod(socket.path, 0o600)
  return {
    address: join(folder, SOCKET_NAME),
    close: async () => {
      await stop(server)
      await socket.close()
    },
  }
}

/** Serves the API on a TCP address. */
export async function serveTcp(
  api: Api,
  host: string,
  port: number,
  maxBodyBytes: number,
): Promise<ApiServer> {
  const server = serverFor(api, 'tcp', maxBodyBytes)
  server.maxConnections = MAX_TCP_CONNECTIONS
  await listen(server, { host, port })
  return { address: addressOf(server.address()), close: () => stop(server) }
}

function addressOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') return String(address)
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}

async function listen(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const where = options.path ?? `${options.host}:${options.port}`
    throw new LedgerError('SOCKET', `the ledger cannot listen on ${where}: ${messageOf(cause)}`, { cause })
  }
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  // A caller that never finishes its request must not keep the lease from being given back.
  const limit = setTimeout(() => server.closeAllConnections(), STOP_MS)
  await closed
  clearTimeout(limit)
}

function serverFor(api: Api, channel: ApiRequest['channel'], maxBodyBytes: number): Server {
  return createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => {
      handle(api, channel, maxBodyBytes, request, response).catch(() => response.destroy())
    },
  )
}

async function handle(
  api: Api,
  channel: ApiRequest['channel'],
  maxBodyBytes: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = request.method ?? ''
  const { 'content-type': contentType, accept, authorization } = request.headers
  const target = request.url ?? ''
  const address = request.socket.remoteAddress
  const head = { method, target, channel, address, contentType, accept, authorization }
  // Whoever may not post must not make the ledger read what it would post.
  const refusal = hasBody(request) ? api.refuse?.(head) : undefined
  if (refusal !== undefined) return send(response, method, unread(refusal))
  const body = await readBody(request, maxBodyBytes)
  if (body === undefined) {
    const answer = problem(413, 'too_large', `a body has at most ${maxBodyBytes} bytes`)
    return send(response, method, unread(answer))
  }
  send(response, method, await api({ ...head, body }))
}

function send(response: ServerResponse, method: string, answer: ApiResponse): void {
  response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
  response.end(method === 'HEAD' ? undefined : answer.body)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The connection ends with an answer to a request whose body was not read. */
function unread(answer: ApiResponse): ApiResponse {
  return { ...answer, headers: { ...answer.headers, connection: 'close' } }
}

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
