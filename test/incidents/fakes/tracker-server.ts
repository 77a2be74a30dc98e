import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** What goes wrong with the next write; each is used up by one. */
export type Fault =
  /** The connection ends without an answer, the work done or not. */
  | 'drop-before-commit'
  | 'drop-after-commit'
  /** The tracker says that it failed, in its own way, after the work was done. */
  | 'fail-after-commit'
  | 'garbage-after-commit'
  /** Refused with a status, in the tracker's own way; nothing is done. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }

export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

export interface FakeAnswer {
  readonly status: number
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Habits {
  handle(request: FakeRequest): FakeAnswer
  /** How this tracker words a failure. */
  failure(status: number, request: FakeRequest): FakeAnswer
  /** Whether faults strike it. Default: every request but GET. */
  writes?(request: FakeRequest): boolean
}

export interface TrackerServer {
  readonly url: string
  readonly requests: FakeRequest[]
  readonly faults: Fault[]
}

/** A server on a real socket that answers as a tracker does and fails as it is told to. */
export async function trackerServer(t: Test, habits: Habits): Promise<TrackerServer> {
  const requests: FakeRequest[] = []
  const faults: Fault[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://fake')
      const text = Buffer.concat(chunks).toString('utf8')
      const request: FakeRequest = {
        method: incoming.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      }
      requests.push(request)
      const strikes = habits.writes?.(request) ?? request.method !== 'GET'
      answer(strikes ? faults.shift() : undefined, request, response)
    })
  })
  const answer = (fault: Fault | undefined, request: FakeRequest, response: ServerResponse): void => {
    if (fault === 'drop-before-commit') {
      response.destroy()
      return
    }
    if (typeof fault === 'object') {
      const refused = habits.failure(fault.status, request)
      send(response, { ...refused, headers: { ...refused.headers, ...fault.headers } })
      return
    }
    const done = habits.handle(request)
    if (fault === 'drop-after-commit') response.destroy()
    else if (fault === 'garbage-after-commit') response.writeHead(200).end('<html>')
    else send(response, fault === 'fail-after-commit' ? habits.failure(500, request) : done)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, faults }
}

function send(response: ServerResponse, { status, json, headers }: FakeAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(json === undefined ? undefined : JSON.stringify(json))
}
