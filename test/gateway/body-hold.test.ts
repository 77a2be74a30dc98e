import { gzipSync } from 'node:zlib'
import t from 'tap'

import { ask, echo, LISTENERS, startUnderTest, startUpstream } from './gateway-fixture.js'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const script = encodeURIComponent('<script>alert(1)</script>')

for (const listener of LISTENERS)
  t.test(`through the ${listener} listener`, async (t) => {
    const upstream = await startUpstream(t, echo)
    const { port, auditOf, audit } = await startUnderTest(t, upstream.origin, {
      listener,
      config: {
        limits: { fields: 2048, body: 8192 },
        routes: [{ path: '/partial', body: 'process-partial' }],
      },
    })
    const post = (path: string, body: string | Uint8Array, headers: Record<string, string>) =>
      ask(port, path, { method: 'POST', headers, body })

    t.test('fields over their limit get 413 and a verdict that names it', async (t) => {
      const passed = upstream.seen.length
      const reply = await post('/', `a=${'x'.repeat(3000)}`, form)
      t.equal(reply.status, 413)
      t.equal(upstream.seen.length, passed)
      t.match((await auditOf(1)).at(-1)?.verdict, {
        action: 'block',
        phase: 'request',
        status: 413,
        truncated: ['request_body_fields'],
      })
    })

    t.test('a chunked body over its limit gets 413 too', async (t) => {
      const reply = await post('/', `a=${'x'.repeat(3000)}`, { ...form, 'transfer-encoding': 'chunked' })
      t.equal(reply.status, 413)
    })

    t.test('a file may be as large as the whole limit, and no larger', async (t) => {
      const type = { 'content-type': 'application/octet-stream' }
      t.equal((await post('/', Buffer.alloc(8192), type)).status, 200)
      t.equal((await post('/', Buffer.alloc(8193), type)).status, 413)
    })

    t.test('in a multipart body files do not count as fields', async (t) => {
      const type = { 'content-type': 'multipart/form-data; boundary=b' }
      const part = (name: string, value: string): string =>
        `--b\r\nContent-Disposition: form-data; ${name}\r\n\r\n${value}\r\n`
      const withFile = `${part('name="f"; filename="a.bin"', 'x'.repeat(5000))}${part('name="a"', '1')}--b--\r\n`
      const withField = `${part('name="a"', 'x'.repeat(5000))}--b--\r\n`
      t.equal((await post('/', withFile, type)).status, 200)
      t.equal((await post('/', withField, type)).status, 413)
    })

    t.test('on a process-partial route what fits is judged and the rest passes', async (t) => {
      const long = 'x'.repeat(20_000)
      const good = await post('/partial', `a=${long}`, form)
      t.equal(good.status, 200)
      t.equal(good.body, `a=${long}`, 'every byte reached the upstream')
      t.equal((await post('/partial', `q=${script}&a=${long}`, form)).status, 403)
      t.equal(
        (await post('/partial', `a=${long}&q=${script}`, form)).status,
        200,
        'behind the limit nobody looks',
      )
    })

    t.test('a compressed body is judged decoded and forwarded as it came', async (t) => {
      const gzip = { ...form, 'content-encoding': 'gzip' }
      const good = gzipSync('a=hello')
      t.equal((await post('/', good, gzip)).body, good.toString('latin1'))
      t.equal((await post('/', gzipSync(`q=${script}`), gzip)).status, 403)
    })

    t.test('a form in a coding that nobody reads is refused and marks the verdict', async (t) => {
      const before = (await audit()).length
      const other = await post('/', `q=${script}`, { ...form, 'content-encoding': 'x-unknown' })
      t.equal(other.status, 415)
      const lines = await auditOf(before + 1)
      t.ok(lines.at(-1)?.verdict.truncated.includes('request_content_coding'))
    })
  })

t.test('in mode detect nothing is refused for its size', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port } = await startUnderTest(t, upstream.origin, {
    config: { limits: { fields: 2048, body: 8192 } },
    detection: { mode: 'detect' },
  })
  const reply = await ask(port, '/', { method: 'POST', headers: form, body: `a=${'x'.repeat(20_000)}` })
  t.equal(reply.status, 200)
  t.equal(reply.body.length, 20_002)
})
