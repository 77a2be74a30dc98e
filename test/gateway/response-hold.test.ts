import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import t from 'tap'

import { ask, startUnderTest, startUpstream } from './gateway-fixture.js'

const RULES = `
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html
SecRule RESPONSE_BODY "@contains top-secret" "id:100001,phase:4,deny,status:403,log,msg:'Leak'"
SecRule RESPONSE_HEADERS:X-Leak "@streq yes" "id:100002,phase:3,deny,status:403,log,msg:'Leaking header'"
SecRule REQUEST_HEADERS:X-Log "@streq yes" "id:100003,phase:1,pass,log,msg:'Noted'"
`

t.test('responses that a rule needs', async (t) => {
  const rules = join(t.testdir({ 'response.conf': RULES }), 'response.conf')
  const upstream = await startUpstream(t, (req, res) => {
    const type = { 'content-type': 'text/plain' }
    const secret = Buffer.from(`before top-secret after ${'z'.repeat(1000)}`)
    const good = Buffer.from(`harmless ${'z'.repeat(1000)}`)
    if (req.url === '/good') res.writeHead(200, type).end(good)
    else if (req.url === '/secret') res.writeHead(200, type).end(secret)
    else if (req.url === '/gzip')
      res.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end(gzipSync(secret))
    else if (req.url === '/good-br')
      res.writeHead(200, { ...type, 'content-encoding': 'br' }).end(brotliCompressSync(good))
    else if (req.url === '/odd')
      res.writeHead(200, { ...type, 'content-encoding': 'x-odd' }).end(gzipSync(secret))
    else if (req.url === '/header') res.writeHead(200, { ...type, 'x-leak': 'yes' }).end('x')
    else if (req.url === '/image') res.writeHead(200, { 'content-type': 'image/png' }).end(secret)
    else if (req.url === '/events') res.writeHead(200, { 'content-type': 'text/event-stream' }).end(secret)
    else if (req.url === '/trailers') {
      res.writeHead(200, { ...type, trailer: 'X-Sum' })
      res.write(good)
      res.addTrailers({ 'X-Sum': '7' })
      res.end()
    } else if (req.url === '/long') {
      res.writeHead(200, type)
      res.write('a'.repeat(5000))
      res.end(secret)
    } else if (req.url === '/empty') res.writeHead(204).end()
    else if (req.url === '/broken') {
      res.writeHead(200, { ...type, 'content-length': 100 })
      res.write('half')
      setImmediate(() => res.destroy())
    }
  })
  const { port, auditOf, audit } = await startUnderTest(t, upstream.origin, {
    config: { limits: { response_body: 4096 } },
    detection: { rules: [rules] },
  })
  const noted = { headers: { 'x-log': 'yes' } }

  t.test('a good one passes whole', async (t) => {
    const reply = await ask(port, '/good')
    t.equal(reply.status, 200)
    t.equal(reply.body.length, 1009)
    t.equal((await ask(port, '/empty')).status, 204)
    t.equal((await ask(port, '/good', { method: 'HEAD' })).status, 200)
  })

  t.test('a bad one is held back, plain and compressed', async (t) => {
    for (const path of ['/secret', '/gzip', '/header']) {
      const before = (await audit()).length
      const reply = await ask(port, path)
      t.equal(reply.status, 403, path)
      t.notMatch(reply.body, /top-secret/)
      t.equal((await auditOf(before + 1)).at(-1)?.verdict.action, 'block')
    }
  })

  t.test('a compressed one that is good goes on as it came', async (t) => {
    const reply = await ask(port, '/good-br', { headers: { 'accept-encoding': 'br' } })
    t.equal(reply.headers['content-encoding'], 'br')
    t.equal(reply.body, brotliCompressSync(`harmless ${'z'.repeat(1000)}`).toString('latin1'))
  })

  t.test('only codings that we decode are asked for', async (t) => {
    await ask(port, '/good', { headers: { 'accept-encoding': 'x-odd, gzip;q=0.8' } })
    t.equal(upstream.seen.at(-1)?.headers['accept-encoding'], 'gzip;q=0.8')
  })

  t.test('what cannot be decoded passes and marks the verdict', async (t) => {
    const before = (await audit()).length
    t.equal((await ask(port, '/odd', noted)).status, 200)
    t.same((await auditOf(before + 1)).at(-1)?.verdict.truncated, ['response_content_coding'])
  })

  t.test('over the limit the beginning is judged, the rest streams, and the verdict says so', async (t) => {
    const before = (await audit()).length
    const reply = await ask(port, '/long', noted)
    t.equal(reply.status, 200)
    t.match(reply.body, /^a{5000}before top-secret/)
    t.same((await auditOf(before + 1)).at(-1)?.verdict.truncated, ['response_body'])
  })

  t.test('types that no rule asks for, and event streams, are not held', async (t) => {
    t.equal((await ask(port, '/image')).status, 200)
    t.equal((await ask(port, '/events')).status, 200)
  })

  t.test('trailers of a held response still come last', async (t) => {
    const reply = await ask(port, '/trailers')
    t.equal(reply.body.length, 1009)
    t.same({ ...reply.trailers }, { 'x-sum': '7' })
  })

  t.test('one that breaks off while it is held is 502', async (t) => {
    t.equal((await ask(port, '/broken')).status, 502)
  })
})
