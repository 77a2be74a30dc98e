import t from 'tap'

import type { ForwardContext } from '../../gateway/forward-headers.js'
import { forwardHeaders, responseHeaders } from '../../gateway/forward-headers.js'

const context: ForwardContext = {
  requestId: 'id-1',
  peer: '192.0.2.9',
  viaTrustedProxy: false,
  tls: false,
  host: 'shop.example',
  upstream: '127.0.0.1:9000',
  traceparent: '00-1-2-00',
}

const pairs = (flat: readonly string[]): Record<string, string[]> => {
  const out: Record<string, string[]> = {}
  for (let at = 0; at < flat.length; at += 2)
    (out[(flat[at] ?? '').toLowerCase()] ??= []).push(flat[at + 1] ?? '')
  return out
}

t.test('what a client says about itself is replaced', (t) => {
  const sent = pairs(
    forwardHeaders(
      [
        ['Host', 'shop.example'],
        ['X-Forwarded-For', '10.0.0.1'],
        ['X_Forwarded_For', '10.0.0.2'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Host', 'evil.example'],
        ['X-Forwarded-Port', '1'],
        ['Forwarded', 'for=10.0.0.3'],
        ['X-Real-IP', '10.0.0.4'],
        ['X-Request-Id', 'mine'],
        ['traceparent', 'theirs'],
        ['Cookie', 'a=b'],
      ],
      context,
    ),
  )
  t.same(sent, {
    host: ['shop.example'],
    cookie: ['a=b'],
    traceparent: ['00-1-2-00'],
    'x-forwarded-for': ['192.0.2.9'],
    'x-forwarded-proto': ['http'],
    'x-forwarded-host': ['shop.example'],
    'x-request-id': ['id-1'],
  })
  t.end()
})

t.test('a field that a server may read as one that means something here is left out', (t) => {
  const flat = forwardHeaders(
    [
      ['Transfer_Encoding', 'chunked'],
      ['Content_Length', '7'],
      ['content_TYPE', 'application/json'],
      ['Proxy_Connection', 'keep-alive'],
      ['X_Forwarded-Port', '1'],
      ['x_own', 'kept'],
    ],
    { ...context, viaTrustedProxy: true },
  )
  t.same(
    flat.filter((name, at) => at % 2 === 0 && name.includes('_')),
    ['x_own'],
  )
  t.end()
})

t.test('a request that names no host goes on under the name of the upstream', (t) => {
  const sent = pairs(forwardHeaders([], { ...context, host: '' }))
  t.same(sent['host'], ['127.0.0.1:9000'])
  t.notOk('x-forwarded-host' in sent)
  t.end()
})

t.test('what a trusted proxy says is kept and added to', (t) => {
  const sent = pairs(
    forwardHeaders(
      [
        ['X-Forwarded-For', '203.0.113.5'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Host', 'outside.example'],
      ],
      { ...context, viaTrustedProxy: true },
    ),
  )
  t.same(sent['x-forwarded-for'], ['203.0.113.5, 192.0.2.9'])
  t.same(sent['x-forwarded-proto'], ['https'])
  t.same(sent['x-forwarded-host'], ['outside.example'])
  t.end()
})

t.test('repeated fields keep their number and order; hop-by-hop ones are left out', (t) => {
  const flat = forwardHeaders(
    [
      ['Accept', 'a'],
      ['accept', 'b'],
      ['Connection', 'x-hop'],
      ['X-Hop', '1'],
      ['Transfer-Encoding', 'chunked'],
      ['TE', 'trailers, gzip'],
      ['Expect', '100-continue'],
      ['Content-Length', '7'],
    ],
    context,
  )
  t.same(flat.slice(2, 6), ['Accept', 'a', 'accept', 'b'])
  const sent = pairs(flat)
  t.same(sent['te'], ['trailers'])
  for (const name of ['connection', 'x-hop', 'transfer-encoding', 'expect', 'content-length'])
    t.notOk(name in sent, name)
  t.end()
})

t.test('Accept-Encoding is narrowed only when asked to', (t) => {
  t.same(pairs(forwardHeaders([['Accept-Encoding', 'x-new, gzip']], context))['accept-encoding'], [
    'x-new, gzip',
  ])
  t.same(
    pairs(forwardHeaders([['Accept-Encoding', 'x-new, gzip']], { ...context, acceptEncoding: 'gzip' }))[
      'accept-encoding'
    ],
    ['gzip'],
  )
  t.end()
})

t.test('a response loses framing and hop-by-hop fields and gets our request id', (t) => {
  t.same(
    responseHeaders(
      [
        ['Content-Length', '3'],
        ['Transfer-Encoding', 'chunked'],
        ['Connection', 'X-Hop'],
        ['X-Hop', 'a'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Request-Id', 'theirs'],
      ],
      'id-1',
    ),
    [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-Request-Id', 'id-1'],
    ],
  )
  t.end()
})
