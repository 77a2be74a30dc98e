import t from 'tap'

import { ask, echo, LISTENERS, startUnderTest, startUpstream } from './gateway-fixture.js'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/

for (const listener of LISTENERS)
  t.test(`through the ${listener} listener`, async (t) => {
    const upstream = await startUpstream(t, (req, res) => {
      if (req.url?.startsWith('/echo') === true) return echo(req, res)
      res.setHeader('content-type', 'text/plain')
      res.end('a good page')
    })
    const { port, audit, auditOf } = await startUnderTest(t, upstream.origin, { listener })

    t.test('a good page passes and is not recorded', async (t) => {
      const reply = await ask(port, '/page?id=1')
      t.equal(reply.status, 200)
      t.equal(reply.body, 'a good page')
      t.match(reply.headers['x-request-id'], UUID)
      t.same(await audit(), [])
    })

    const attacks: readonly [string, string, Parameters<typeof ask>[2]?][] = [
      ['query', "/page?id=1'%20UNION%20SELECT%20password%20FROM%20users--%20"],
      ['path', '/page/..%2f..%2f..%2fetc/passwd'],
      ['script', '/page?q=%3Cscript%3Ealert(1)%3C/script%3E'],
      [
        'form',
        '/echo',
        {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'cmd=%3Bcat%20/etc/passwd',
        },
      ],
      [
        'json value',
        '/echo',
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ q: "1' UNION SELECT password FROM users-- " }),
        },
      ],
      ['cookie', '/page', { headers: { cookie: 'n=<script>alert(1)</script>' } }],
    ]
    for (const [name, path, options] of attacks)
      t.test(`an attack in the ${name} is refused with a request id and recorded`, async (t) => {
        const before = (await audit()).length
        const passed = upstream.seen.length
        const reply = await ask(port, path, options)
        t.equal(reply.status, 403)
        const id = reply.headers['x-request-id']
        t.ok(reply.body.includes(String(id)), 'the page shows the id')
        t.equal(upstream.seen.length, passed, 'nothing reached the upstream')
        const line = (await auditOf(before + 1)).at(-1)
        t.equal(line?.request_id, id)
        t.equal(line?.verdict.action, 'block')
        t.equal(line?.verdict.status, 403)
        t.ok((line?.rules.length ?? 0) > 0)
        t.equal(Object.keys(line?.rules[0] ?? {})[0], 'id')
      })

    t.test('a body reaches the upstream as it was sent', async (t) => {
      const body = Buffer.from(Array.from({ length: 256 * 100 }, (_, at) => at % 256))
      const reply = await ask(port, '/echo', {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body,
      })
      t.equal(reply.status, 200)
      t.equal(reply.body, body.toString('latin1'))
    })

    t.test('a GET with a body is legal and forwarded', async (t) => {
      const reply = await ask(port, '/echo', { body: 'hello', headers: { 'content-length': '5' } })
      t.equal(reply.status, 200)
      t.equal(reply.body, 'hello')
    })

    t.test('the page for an API is JSON and leaks nothing', async (t) => {
      const reply = await ask(port, '/page?q=%3Cscript%3Ealert(1)%3C/script%3E', {
        headers: { accept: 'application/json' },
      })
      const page = JSON.parse(reply.body) as Record<string, unknown>
      t.same(Object.keys(page), ['status', 'error', 'message', 'request_id'])
      t.equal(page['request_id'], reply.headers['x-request-id'])
    })
  })

t.test('mode detect lets an attack through and records what would have happened', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, auditOf } = await startUnderTest(t, upstream.origin, { detection: { mode: 'detect' } })
  const reply = await ask(port, '/?q=%3Cscript%3Ealert(1)%3C/script%3E')
  t.equal(reply.status, 200)
  const [line] = await auditOf(1)
  t.equal(line?.verdict.action, 'log')
  t.equal(line?.verdict.mode, 'detect')
  t.equal(line?.verdict.phase, 'xss')
})
