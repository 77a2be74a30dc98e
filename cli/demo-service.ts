import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

import { RuntimeError } from '../runtime/errors.js'
import type { RunningRole } from '../runtime/role.js'

const BASE = 'http://demo.invalid'
const MAX_ECHO_BYTES = 64 * 1024
const TICKS = 5
const TICK_MS = 1000

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Demo service</title></head>
<body>
<h1>Demo service</h1>
<p>A service with no protection of its own. Portcullis stands in front of it.</p>
<form action="/search"><input name="q" placeholder="search"><button>Search</button></form>
<form action="/upload" method="post" enctype="multipart/form-data"><input type="file" name="file"><button>Upload</button></form>
<p><a href="/events">A stream of events</a></p>
</body>
</html>
`

/**
 * The service behind `up --demo`: a page, a search that repeats what was asked, a JSON echo, an upload that counts bytes,
 * and a stream of events. It keeps nothing.
 *
 * @throws RuntimeError `LISTEN_FAILED` when the address cannot be bound
 */
export const startDemoService = async ({
  host,
  port,
}: {
  readonly host: string
  readonly port: number
}): Promise<RunningRole> => {
  const streams = new Set<ServerResponse>()
  const server = createServer((request, response) => route(request, response, streams))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new RuntimeError(
          'LISTEN_FAILED',
          `the demo service cannot listen on ${host}:${port}; free that port, or run without --demo and with --upstream URL`,
          { cause: error },
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  const bound = server.address()
  return {
    info: { host, port: typeof bound === 'object' && bound !== null ? bound.port : port },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        for (const stream of streams) stream.end()
      }),
  }
}

const route = (request: IncomingMessage, response: ServerResponse, streams: Set<ServerResponse>): void => {
  const target = request.url ?? '/'
  const url = URL.canParse(target, BASE) ? new URL(target, BASE) : undefined
  const { method = 'GET' } = request
  if (method === 'POST' && url?.pathname === '/echo') return echo(request, response)
  if (method === 'POST' && url?.pathname === '/upload') return upload(request, response)
  request.resume()
  if (method !== 'GET' && method !== 'HEAD') return send(response, 405, { error: 'method not allowed' })
  switch (url?.pathname) {
    case '/':
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE)
      return
    case '/search':
      return send(response, 200, { query: url.searchParams.get('q') ?? '', results: [] })
    case '/events':
      return events(response, streams)
    default:
      return send(response, 404, { error: 'not found' })
  }
}

const send = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

const echo = (request: IncomingMessage, response: ServerResponse): void => {
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= MAX_ECHO_BYTES) chunks.push(chunk)
  })
  request.on('end', () => {
    if (size > MAX_ECHO_BYTES) return send(response, 413, { error: 'too large', bytes: size })
    try {
      const echoed: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      send(response, 200, { echo: echoed })
    } catch {
      send(response, 400, { error: 'not JSON' })
    }
  })
}

const upload = (request: IncomingMessage, response: ServerResponse): void => {
  let size = 0
  request.on('data', (chunk: Buffer) => (size += chunk.length))
  request.on('end', () => send(response, 200, { bytes: size }))
}

const events = (response: ServerResponse, streams: Set<ServerResponse>): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  streams.add(response)
  let tick = 0
  const emit = (): void => {
    tick += 1
    response.write(`id: ${tick}\ndata: ${JSON.stringify({ tick, of: TICKS })}\n\n`)
    if (tick === TICKS) response.end()
  }
  emit()
  const timer = setInterval(emit, TICK_MS)
  response.once('close', () => {
    clearInterval(timer)
    streams.delete(response)
  })
}
