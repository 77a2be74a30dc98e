import t from 'tap'

import { echo, sendRaw, startUnderTest, startUpstream } from './gateway-fixture.js'

t.test('a body that stands still', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port } = await startUnderTest(t, upstream.origin, { config: { timeouts: { body: 0.3 } } })
  const text = await sendRaw(
    port,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nabc',
    (reply) => reply.includes('\r\n\r\n'),
  )
  t.match(text, /^HTTP\/1\.1 408 /)
  t.equal(upstream.seen.length, 0, 'nothing reached the upstream')
})

t.test('a body whose framing breaks off', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, auditOf } = await startUnderTest(t, upstream.origin)
  const text = await sendRaw(
    port,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n',
    (reply) => reply.includes('\r\n\r\n'),
  )
  t.match(text, /^HTTP\/1\.1 400 /)
  t.equal(upstream.seen.length, 0)
  t.match((await auditOf(1))[0]?.verdict, { phase: 'malformed', status: 400 })
})
