import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { observe, respond } from '../../../runtime/admin.js'
import { addressOf, listenOnAddress } from '../../../runtime/listen.js'
import { isFound } from '../../verdict.js'
import type { ProtocolServer } from '../connections.js'
import { ProtocolError } from '../errors.js'
import type { ScanService } from '../scan-service.js'

const HEADERS_MS = 10_000
/** Milliseconds for a whole request: 100 MiB over a slow line. */
const REQUEST_MS = 600_000
const IDLE_MS = 60_000
const MAX_CONNECTIONS = 256
const MAX_NAME = 255

/**
 * Serves `GET /health`, `/ready` and `/metrics`, and `POST /v1/scan`: the body, of whatever type, is judged as one file, and the answer is its result as JSON, 200
 * whatever the verdict. `?name=` is what the result calls it.
 * @param token asked of every request as `Authorization: Bearer TOKEN`; without one nothing is judged
 * @throws RuntimeError `LISTEN_FAILED`
 */
export async function serveHttp(
  at: { readonly host: string; readonly port: number },
  token: string | undefined,
  service: ScanService,
): Promise<ProtocolServer> {
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: HEADERS_MS },
    (request, response) => {
      answer(request, response, token, service).catch((error: unknown) => {
        service.log.error({ err: error }, 'a request failed')
        if (response.headersSent) response.destroy()
        else problem(response, 500, 'internal', 'the content could not be judged')
      })
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(IDLE_MS)
  await listenOnAddress(server, at, 'scanner.http.listen')
  return {
    address: addressOf(server.address()),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string | undefined,
  service: ScanService,
): Promise<void> {
  const said = await observe(request, service.observed)
  if (said) return respond(request, response, said)
  const url = new URL(request.url ?? '/', 'http://scanner')
  if (url.pathname !== '/v1/scan') return problem(response, 404, 'not_found', 'there is POST /v1/scan')
  if (token === undefined)
    return problem(response, 403, 'no_token', 'scanner.http.token is not set, so nothing is judged here')
  if (!isAuthorised(request.headers.authorization, token))
    return problem(response, 401, 'unauthorized', 'the bearer token is missing or wrong', {
      'www-authenticate': 'Bearer',
    })
  if (request.method !== 'POST')
    return problem(response, 405, 'method_not_allowed', 'contents are sent with POST', { allow: 'POST' })
  const name = url.searchParams.get('name') ?? 'stream'
  if (name.length > MAX_NAME)
    return problem(response, 400, 'name_too_long', `a name has at most ${MAX_NAME} characters`)
  const limit = Math.min(service.maxStreamSize, service.pool.options.maxFileSize)
  if (Number(request.headers['content-length'] ?? 0) > limit) return tooLarge(response, limit)
  let result
  try {
    result = await service.pool.judgeContent(bounded(request, limit), name, { priority: 'demand' })
  } catch (error) {
    if (error instanceof ProtocolError) return tooLarge(response, limit)
    // The client is gone in the middle of its body: nobody is left to answer.
    if (request.destroyed && !request.complete) return
    throw error
  }
  if (isFound(result.verdict)) await service.report(result)
  send(response, 200, result)
}

/** Leaving early must not destroy the connection: the answer still has to go out on it. */
async function* bounded(request: IncomingMessage, limit: number): AsyncGenerator<Buffer> {
  let length = 0
  const pieces: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
  for await (const piece of pieces) {
    length += piece.length
    if (length > limit) throw new ProtocolError('PROTOCOL_TOO_LARGE', 'the body is over the limit')
    yield piece
  }
}

function isAuthorised(header: string | undefined, token: string): boolean {
  const [, given] = /^Bearer +(\S{1,4096})$/i.exec(header ?? '') ?? []
  // Digests are of one length, and comparing them tells nothing of the token.
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

const tooLarge = (response: ServerResponse, limit: number): void =>
  problem(response, 413, 'too_large', `a content has at most ${limit} bytes`)

/** An answer of ours to a request that is not judged; what is left of its body is not read. */
const problem = (
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: { readonly [name: string]: string } = {},
): void => send(response, status, { error: code, message }, { ...headers, connection: 'close' })

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: { readonly [name: string]: string } = {},
): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(text)
}
