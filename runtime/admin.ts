import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

import { listenOnAddress } from './listen.js'
import type { Logger } from './log.js'

/** What can be asked of a process that serves. */
export interface Observed {
  /** Readiness checks that fail, by name, with their reasons; none means ready. */
  readonly problems: () => Promise<Readonly<Record<string, string>>>
  /** Prometheus' text format. */
  readonly metrics: () => Promise<string>
  /** What there is to say of a process that lives, beside that it does; JSON. */
  readonly health?: () => object
}

export interface AdminOptions extends Observed {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** What to set for another address, as an error says it. */
  readonly setting?: string
  readonly log: Logger
}

export interface AdminServer {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

export interface AdminAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const REQUEST_TIMEOUT_MS = 10_000
const MAX_CONNECTIONS = 64

/**
 * Serves `GET /health` (200 while the process lives), `/ready` (200, or 503 with what is missing) and `/metrics`. It says
 * nothing about traffic beyond counts, but belongs on a private address.
 *
 * @throws RuntimeError `LISTEN_FAILED`
 */
export const startAdmin = async (options: AdminOptions): Promise<AdminServer> => {
  const { host, port, log, setting = '--admin HOST:PORT' } = options
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      route(request, options).then(
        (answer) => respond(request, response, answer),
        (error: unknown) => {
          log.error({ err: error, url: request.url }, 'an admin request failed')
          respond(request, response, json(500, { status: 'error' }))
        },
      )
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  await listenOnAddress(server, { host, port }, setting)
  server.on('error', (error) => log.error({ err: error }, 'the admin server failed'))
  const bound = server.address()
  return {
    host,
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const route = async (request: IncomingMessage, observed: Observed): Promise<AdminAnswer> =>
  (await observe(request, observed)) ?? json(404, { status: 'not found' })

/** The answer to `/health`, `/ready` and `/metrics`; undefined for anything else. */
export const observe = async (
  { method, url }: Pick<IncomingMessage, 'method' | 'url'>,
  { problems, metrics, health }: Observed,
): Promise<AdminAnswer | undefined> => {
  const path = url?.replace(/[?#].*$/s, '')
  if (path !== '/health' && path !== '/ready' && path !== '/metrics') return undefined
  if (method !== 'GET' && method !== 'HEAD') return json(405, { status: 'method not allowed' })
  if (path === '/health') return json(200, { status: 'ok', ...health?.() })
  if (path === '/metrics')
    return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await metrics() }
  const failing = await problems()
  const ready = Object.keys(failing).length === 0
  return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', problems: failing })
}

const json = (status: number, body: object): AdminAnswer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(body)}\n`,
})

export const respond = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body }: AdminAnswer,
): void => {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
  request.resume()
}
