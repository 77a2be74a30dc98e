import { chmodSync } from 'node:fs'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { IncomingHttpHeaders } from 'node:http2'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t from 'tap'

import { echo, startUnderTest, startUpstream } from './gateway-fixture.js'
import { TEST_CERTIFICATE, TEST_KEY } from './listener/test-certificate.js'

t.test('HTTPS with HTTP/2 and HTTP/1.1', async (t) => {
  const dir = t.testdir({ 'cert.pem': TEST_CERTIFICATE, 'key.pem': TEST_KEY })
  const tls = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') }
  chmodSync(tls.key, 0o600)
  const upstream = await startUpstream(t, echo)
  const { port, auditOf } = await startUnderTest(t, upstream.origin, { config: { tls } })
  const session = connectHttp2(`https://localhost:${port}`, { ca: TEST_CERTIFICATE })
  t.teardown(() => session.destroy())

  const ask2 = async (headers: Record<string, string>, body?: string) => {
    const stream = session.request(headers, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    const [reply] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    return { status: reply[':status'], headers: reply, text }
  }

  t.test('a request of HTTP/2 goes on as HTTP/1.1', async (t) => {
    const reply = await ask2({ ':path': '/a?b=c', ':method': 'POST', cookie: 'a=1' }, 'hello')
    t.equal(reply.status, 200)
    t.equal(reply.text, 'hello')
    t.match(upstream.seen.at(-1), {
      url: '/a?b=c',
      headers: { host: `localhost:${port}`, 'x-forwarded-proto': 'https', cookie: 'a=1' },
    })
  })

  t.test('an attack over HTTP/2 is refused', async (t) => {
    const reply = await ask2({ ':path': '/?q=%3Cscript%3Ealert(1)%3C/script%3E' })
    t.equal(reply.status, 403)
    t.equal((await auditOf(1))[0]?.request_id, reply.headers['x-request-id'])
  })

  t.test('HTTP/1.1 works beside it', async (t) => {
    const req = request({ host: 'localhost', port, ca: TEST_CERTIFICATE, agent: false }).end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    res.resume()
    t.equal(res.statusCode, 200)
  })
})

t.test('a key that everybody may read is refused', async (t) => {
  const dir = t.testdir({ 'cert.pem': TEST_CERTIFICATE, 'key.pem': TEST_KEY })
  const tls = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') }
  chmodSync(tls.key, 0o644)
  await t.rejects(startUnderTest(t, undefined, { config: { tls } }), {
    code: 'GATEWAY_CONFIG',
    message: /key\.pem/,
  })
})
