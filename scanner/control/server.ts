import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Logger } from 'pino'
import { listenOnPath } from '../../runtime/listen.js'
import { socketPath } from '../../runtime/unix-socket.js'

/** In `<data>/scanner`. */
export const CONTROL_SOCKET = 'scanner.sock'
const SOCKET_MODE = 0o600

/** What a command on the same machine can ask of the daemon. */
export interface Controlled {
  /** JSON. */
  status(): object
  pause(): Promise<void>
  resume(): Promise<void>
}

/**
 * Serves `GET /v1/status`, `POST /v1/pause` and `POST /v1/resume`, each of which answers with the status, to the owner of the
 * data folder.
 * @throws RuntimeError `LISTEN_FAILED` when another daemon serves the same folder
 */
export async function serveControl(
  folder: string,
  daemon: Controlled,
  log: Logger,
): Promise<{ close(): Promise<void> }> {
  const routes: Readonly<Record<string, () => Promise<void> | void>> = {
    'GET /v1/status': () => undefined,
    'POST /v1/pause': () => daemon.pause(),
    'POST /v1/resume': () => daemon.resume(),
  }
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify(body)}\n`)
    }
    const name = `${request.method} ${request.url}`
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (!route) answer(404, { error: 'not_found' })
    else
      Promise.resolve(route()).then(
        () => answer(200, daemon.status()),
        (error: unknown) => {
          log.error({ err: error }, 'a command could not be carried out')
          answer(500, { error: 'internal' })
        },
      )
  })
  const socket = await socketPath(folder, CONTROL_SOCKET)
  try {
    await listenOnPath(server, socket.path, SOCKET_MODE)
  } catch (error) {
    await socket.close()
    throw error
  }
  return {
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      await socket.close()
    },
  }
}
