import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { ApiResponse } from './api/response.js'
import { codeOf, RuntimeError } from './errors.js'
import { MAX_SOCKET_PATH } from './listen.js'

const TIMEOUT_MS = 30_000

/**
 * The path under which a socket in a folder can be reached, and what has to be closed after use: a path that is too long for
 * a socket goes through the open folder's entry in /proc.
 *
 * @throws RuntimeError `SOCKET` where there is no /proc
 */
export async function socketPath(
  folder: string,
  name: string,
): Promise<{ readonly path: string; close(): Promise<void> }> {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return { path, close: async () => {} }
  if (process.platform !== 'linux')
    throw new RuntimeError('SOCKET', `the path of the socket is too long: ${path}`)
  const handle: FileHandle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${handle.fd}/${name}`, close: () => handle.close() }
}

export interface SocketRequest {
  readonly target: string
  readonly method?: string | undefined
  readonly contentType?: string | undefined
  readonly accept?: string | undefined
  readonly body?: Uint8Array | undefined
  /** Further header fields. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Whether an error says that nobody serves the socket. */
export const isUnserved = (error: unknown): boolean =>
  ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTSOCK'].includes(codeOf(error) ?? '')

/** Makes one HTTP request over the socket in a folder. @throws RuntimeError `SOCKET` without an answer in 30 s */
export async function requestOverSocket(
  folder: string,
  name: string,
  request: SocketRequest,
): Promise<ApiResponse> {
  const socket = await socketPath(folder, name)
  try {
    return await exchange(socket.path, request)
  } finally {
    await socket.close()
  }
}

function exchange(socket: string, request: SocketRequest): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        socketPath: socket,
        path: request.target,
        method: request.method ?? 'GET',
        headers: {
          ...request.headers,
          host: 'localhost',
          ...(request.contentType !== undefined && { 'content-type': request.contentType }),
          ...(request.accept !== undefined && { accept: request.accept }),
          'content-length': request.body?.length ?? 0,
        },
        timeout: TIMEOUT_MS,
        agent: false,
      },
      (incoming) => {
        const headers: Record<string, string> = {}
        for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value)
        buffer(incoming).then(
          (body) => resolve({ status: incoming.statusCode ?? 0, headers, body }),
          (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
        )
      },
    )
    outgoing.on('timeout', () =>
      outgoing.destroy(new RuntimeError('SOCKET', `who serves ${socket} does not answer`)),
    )
    outgoing.on('error', reject)
    outgoing.end(request.body)
  })
}
