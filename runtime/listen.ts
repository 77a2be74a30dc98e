import { once } from 'node:events'
import { chmod, lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import type { AddressInfo, ListenOptions, Server } from 'node:net'
import { codeOf, messageOf, RuntimeError } from './errors.js'
import { joinHostPort } from './host-port.js'

/** A socket's path has 108 bytes on Linux, 104 elsewhere. A longer one would be cut, and served under another name. */
export const MAX_SOCKET_PATH = 103

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'this user may not bind it',
  EADDRNOTAVAIL: 'this machine has no such address',
}

/** Why an address could not be bound, where the codes along the causes of an error tell. */
export function bindFailure(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const reason = REASONS[codeOf(cause) ?? '']
    if (reason !== undefined) return reason
  }
  return undefined
}

/**
 * The error for an address that cannot be bound.
 * @param setting the key or flag that chooses another one
 */
export const listenFailed = (address: string, setting: string, cause: unknown): RuntimeError =>
  new RuntimeError(
    'LISTEN_FAILED',
    `cannot listen on ${address}: ${bindFailure(cause) ?? messageOf(cause)}; choose another with ${setting}`,
    { cause },
  )

/**
 * Listens on a TCP address.
 * @param setting the key or flag that chooses another one, as the error names it
 * @throws RuntimeError `LISTEN_FAILED`
 */
export async function listenOnAddress(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  setting: string,
): Promise<void> {
  await listen(server, { host, port }).catch((cause: unknown) => {
    throw listenFailed(joinHostPort(host, port), setting, cause)
  })
}

/**
 * Listens on a Unix socket. One that nobody serves any more is replaced; one in use and anything else are refused.
 * @param mode of the socket; it never has a wider one, not even for a moment
 * @throws RuntimeError `LISTEN_FAILED`
 */
export async function listenOnPath(server: Server, path: string, mode: number): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    throw new RuntimeError(
      'LISTEN_FAILED',
      `cannot listen on ${path}: the path of a socket has at most ${MAX_SOCKET_PATH} bytes`,
    )
  const before = await lstat(path).catch(() => undefined)
  if (before && !before.isSocket())
    throw new RuntimeError('LISTEN_FAILED', `cannot listen on ${path}: it is there and is no socket`)
  if (before) {
    if (await isServed(path))
      throw new RuntimeError('LISTEN_FAILED', `cannot listen on ${path}: another process serves it`)
    await unlink(path)
  }
  // The socket is made before `listen` returns.
  const umask = process.umask(0o777 & ~mode)
  let listening
  try {
    listening = listen(server, { path })
  } finally {
    process.umask(umask)
  }
  await listening.catch((cause: unknown) => {
    throw new RuntimeError('LISTEN_FAILED', `cannot listen on ${path}: ${messageOf(cause)}`, { cause })
  })
  await chmod(path, mode)
}

/** Where a server listens: `HOST:PORT`, or the path of its socket. */
export const addressOf = (bound: AddressInfo | string | null): string =>
  typeof bound === 'object' && bound !== null ? joinHostPort(bound.address, bound.port) : (bound ?? '')

async function listen(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options)
  await once(server, 'listening')
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
