import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { refusal, retryAfter, TrackerHttp } from '../../../incidents/trackers/http-client.js'
import { outboundConfig } from '../../../runtime/outbound.js'

const outbound = outboundConfig.parse({ allow: ['127.0.0.0/8'] })
const { signal } = new AbortController()
const write = { method: 'POST', path: '/issues', json: { title: 'x' } } as const
const read = { method: 'GET', path: '/issues?q=1' } as const

const serve = async (t: Test, listener: RequestListener, timeoutMs = 5000) => {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const http = new TrackerHttp({
    name: 'edge',
    baseUrl: `${url}/api/`,
    timeoutMs,
    outbound,
    headers: { authorization: 'Bearer s3cret' },
    now: Date.now,
  })
  t.teardown(async () => {
    await http.close()
    server.closeAllConnections()
    server.close()
  })
  return http
}

t.test('a request goes below the base URL, with JSON and the token, and its answer is read', async (t) => {
  const seen: unknown[] = []
  const http = await serve(t, (request, response) => {
    const { authorization, 'content-type': type } = request.headers
    seen.push([request.method, request.url, authorization, type])
    if (request.method === 'GET') response.end()
    else response.writeHead(201).end('{"id":7}')
  })
  t.match(await http.request(write, signal), { status: 201, json: { id: 7 } })
  t.match(await http.request(read, signal), { status: 200, json: undefined })
  t.strictSame(seen, [
    ['POST', '/api/issues', 'Bearer s3cret', 'application/json'],
    ['GET', '/api/issues?q=1', 'Bearer s3cret', undefined],
  ])
})

t.test('no answer after a write leaves its outcome open, after a read it does not', async (t) => {
  const http = await serve(t, () => undefined, 200)
  const unanswered = { code: 'TRACKER_NO_ANSWER', retryable: true }
  await t.rejects(http.request(write, signal), { ...unanswered, ambiguous: true })
  await t.rejects(http.request(read, signal), { ...unanswered, ambiguous: false })
  await t.rejects(http.request(write, AbortSignal.abort()), { code: 'TRACKER_NO_ANSWER' })
})

t.test('an answer that is cut off, not JSON or too long leaves a write open', async (t) => {
  const answers: RequestListener[] = [
    (_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('{')
      setImmediate(() => response.destroy())
    },
    (_, response) => response.end('<html>'),
    (_, response) => response.end(`"${'x'.repeat(9 * 1024 * 1024)}"`),
  ]
  const http = await serve(t, (...call) => answers.shift()?.(...call))
  await t.rejects(http.request(write, signal), { code: 'TRACKER_NO_ANSWER', ambiguous: true })
  await t.rejects(http.request(write, signal), { code: 'TRACKER_ANSWER', ambiguous: true, retryable: true })
  await t.rejects(http.request(write, signal), { code: 'TRACKER_NO_ANSWER', ambiguous: true })
})

t.test('a redirect is a refusal, and the token goes nowhere else', async (t) => {
  const other = createServer(() => t.fail('it was followed'))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
  const http = await serve(t, (_, response) => response.writeHead(307, { location }).end())
  await t.rejects(http.request(write, signal), { code: 'TRACKER_ANSWER', retryable: false, ambiguous: false })
})

t.test('an error says what the tracker said, shortened, and nothing of the token', async (t) => {
  const http = await serve(t, (_, response) => response.writeHead(400).end('no '.repeat(1000)))
  const error = await http.request(write, signal).catch((caught: unknown) => caught as Error)
  t.match((error as Error).message, /^edge answered 400: no no /)
  t.ok((error as Error).message.length < 300)
  t.notMatch(JSON.stringify(error) + String((error as Error).stack), 's3cret')
})

t.test('what a status means', async (t) => {
  for (const [status, code, retryable, ambiguous] of [
    [302, 'TRACKER_ANSWER', false, false],
    [400, 'TRACKER_INVALID', false, false],
    [401, 'TRACKER_UNAUTHORIZED', true, false],
    [403, 'TRACKER_UNAUTHORIZED', true, false],
    [404, 'TRACKER_NOT_FOUND', false, false],
    [408, 'TRACKER_NO_ANSWER', true, true],
    [409, 'TRACKER_CONFLICT', true, false],
    [410, 'TRACKER_NOT_FOUND', false, false],
    [422, 'TRACKER_INVALID', false, false],
    [425, 'TRACKER_BUSY', true, false],
    [429, 'TRACKER_BUSY', true, false],
    [500, 'TRACKER_FAILED', true, true],
    [503, 'TRACKER_FAILED', true, true],
  ] as const) {
    t.match(refusal(status, 'x', { writes: true }), { code, retryable, ambiguous }, `${status}`)
    t.equal(refusal(status, 'x', { writes: false }).ambiguous, false)
  }
})

t.test('how long a tracker asks to wait', async (t) => {
  const now = Date.parse('2026-11-21T16:00:00Z')
  for (const [headers, wait] of [
    [{}, undefined],
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 16:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 15:00:00 GMT' }, 0],
    [{ 'retry-after': '999999' }, 3_600_000],
    [{ 'retry-after': '-1' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '9'.repeat(400) }, undefined],
    [{ 'retry-after': ['7', '8'] }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 60) }, 60_000],
    [{ 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': String(now / 1000 + 60) }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'never' }, undefined],
  ] as const)
    t.equal(retryAfter(headers as Record<string, string>, now), wait, JSON.stringify(headers))
})
