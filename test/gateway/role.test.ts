import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import t from 'tap'

import { readVerdict } from '../../gateway/verdict-store.js'
import type { Event } from '../../runtime/events.js'
import type { Outbox } from '../../runtime/outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { ask, echo, LISTENERS, sendRaw, startUnderTest, startUpstream } from './gateway-fixture.js'

const XSS = '/?q=%3Cscript%3Ealert(1)%3C/script%3E'

/** Takes `count` items of a topic. */
const take = (outbox: Outbox, name: 'events' | 'ledger', count: number): Promise<Buffer[]> =>
  new Promise((resolve) => {
    const items: Buffer[] = []
    const consumer = openTopic(outbox, name).consume(
      name === 'events' ? 'incidents' : 'ledger',
      async (batch) => {
        items.push(...batch.map(({ bytes }) => Buffer.from(bytes)))
        if (items.length >= count) setImmediate(() => void consumer.stop().then(() => resolve(items)))
      },
      { pollMs: 10 },
    )
  })

t.test('a block is recorded in the audit log, the store, the outbox and the ledger', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, auditOf, outbox, dataDir } = await startUnderTest(t, upstream.origin)
  const reply = await ask(port, `${XSS}&password=hunter2`, {
    headers: { host: 'shop.example', 'x-request-id': 'theirs' },
  })
  const id = String(reply.headers['x-request-id'])
  const [line] = await auditOf(1)

  t.same(Object.keys(line ?? {}), [
    'time',
    'request_id',
    'client_request_id',
    'client',
    'request',
    'verdict',
    'rules',
  ])
  t.same(Object.keys(line?.verdict ?? {}), [
    'action',
    'mode',
    'phase',
    'rule',
    'status',
    'score',
    'truncated',
  ])
  t.same(Object.keys(line?.rules[0] ?? {}), [
    'id',
    'seclang_phase',
    'severity',
    'msg',
    'data',
    'variable',
    'sample',
    'tags',
  ])
  t.match(line, {
    request_id: id,
    client: '127.0.0.1',
    request: { method: 'GET', host: 'shop.example' },
    verdict: { action: 'block', mode: 'block', phase: 'xss', status: 403 },
  })
  t.match(line?.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.notMatch(JSON.stringify(line), /hunter2/, 'a password is masked')

  const [event] = (await take(outbox, 'events', 1)).map((bytes) => JSON.parse(bytes.toString()) as Event)
  t.match(event, {
    type: 'security.verdict',
    data: {
      request_id: id,
      action: 'block',
      phase: 'xss',
      client: '127.0.0.1',
      path: '/',
      rule: line?.verdict.rule,
    },
  })

  const stored = await readVerdict(dataDir, id)
  t.equal(stored?.record.request_id, id)
  t.equal(stored?.record.site, 'default')
  t.equal(stored?.record.response_status, 403)
  t.equal(stored?.record.origins.length, stored?.record.rules.length)
  t.ok(stored?.record.origins.some(({ file, line: at }) => file !== undefined && at !== undefined))

  const hash = createHmac('sha256', stored?.salt ?? '')
    .update(stored?.bytes ?? '')
    .digest('hex')
  const entries = (await take(outbox, 'ledger', 2)).map((bytes) => bytes.toString('latin1')).join('')
  t.ok(entries.includes(id), 'the entry has the id of the request')
  t.ok(entries.includes(hash), 'and commits to the stored record')
  t.notMatch(entries, /script/, 'and does not show it')
})

t.test('audit lines are on disk by themselves', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, auditFile } = await startUnderTest(t, upstream.origin)
  await ask(port, XSS)
  const { readFileSync } = await import('node:fs')
  while (!readFileSync(auditFile, 'utf8').endsWith('\n'))
    await new Promise((resolve) => setTimeout(resolve, 5))
  t.pass()
})

t.test('with mask none a sample is written as it came', async (t) => {
  const upstream = await startUpstream(t, echo)
  const base = t.testdir({})
  const file = join(base, 'audit.jsonl')
  const { port, gateway } = await startUnderTest(t, upstream.origin, {
    config: { audit_log: { file, mask: 'none' } },
  })
  await ask(port, '/?password=%3Cscript%3Ealert(1)%3C/script%3E')
  await gateway.flush()
  const { readFileSync } = await import('node:fs')
  t.match(readFileSync(file, 'utf8'), /<script>alert\(1\)/)
})

t.test(
  'a disk that takes no audit lines makes the gateway not ready, and traffic goes on',
  { skip: process.platform !== 'linux' && 'needs /dev/full' },
  async (t) => {
    const upstream = await startUpstream(t, echo)
    const { port, gateway } = await startUnderTest(t, upstream.origin, {
      config: { audit_log: { file: '/dev/full' } },
    })
    t.equal(gateway.checks['records']?.(), undefined)
    t.equal((await ask(port, XSS)).status, 403)
    await gateway.flush()
    t.match(gateway.checks['records']?.(), /audit log \/dev\/full/)
    t.equal((await ask(port, '/')).status, 200)
    t.equal((await ask(port, XSS)).status, 403)
  },
)

t.test('bytes that are no request become an event', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, outbox } = await startUnderTest(t, upstream.origin)
  const events = take(outbox, 'events', 1)
  t.match(await sendRaw(port, '\x16\x03\x01 hello\r\n\r\n'), /^HTTP\/1\.1 400 /)
  const [event] = (await events).map((bytes) => JSON.parse(bytes.toString()) as Event)
  t.match(event, { type: 'malformed_request', data: { listener: 'node', count: 1, client: '127.0.0.1' } })
})

t.test('a gateway that stops finishes what is in flight', async (t) => {
  let arrived: (res: ServerResponse) => void = () => undefined
  const inFlight = new Promise<ServerResponse>((resolve) => (arrived = resolve))
  const upstream = await startUpstream(t, (_, res) => arrived(res))
  const { port, close } = await startUnderTest(t, upstream.origin)
  const req = request({ host: '127.0.0.1', port, agent: false }).end()
  const answered = once(req, 'response')
  const res = await inFlight
  const closing = close()
  await t.rejects(ask(port, '/'), 'nothing new is accepted')
  res.end('finished')
  const [reply] = (await answered) as [IncomingMessage]
  t.equal(reply.statusCode, 200)
  let text = ''
  for await (const chunk of reply) text += String(chunk)
  t.equal(text, 'finished')
  await closing
})

for (const listener of LISTENERS)
  t.test(`sites through the ${listener} listener`, async (t) => {
    const shop = await startUpstream(t, (_, res) => res.end('shop'))
    const lab = await startUpstream(t, (_, res) => res.end('lab'))
    const { port, gateway } = await startUnderTest(t, undefined, {
      listener,
      config: {
        sites: [
          { name: 'shop', hosts: ['shop.example'], upstream: shop.origin },
          { name: 'lab', hosts: ['*.lab.example'], upstream: lab.origin, detection: { mode: 'detect' } },
        ],
      },
      detection: { phases: { url_block: { paths: ['/secret'] } } },
    })
    const get = (host: string, path = '/') => ask(port, path, { headers: { host } })
    t.equal((await get('shop.example')).body, 'shop')
    t.equal((await get('a.lab.example:80')).body, 'lab')
    t.equal((await get('unknown.example')).body, 'shop', 'an unknown host goes to the first site')
    t.equal((await get('unknown.example', '/secret')).status, 403, 'and is judged like it')
    t.equal((await get('shop.example', '/secret')).status, 403)
    t.equal((await get('a.lab.example', '/secret')).status, 200, 'a site has settings of its own')
    t.same(Object.keys(gateway.effectiveModes), ['shop', 'lab'])
  })

t.test('rules can drop, redirect and refuse with their own status', async (t) => {
  const rules = join(
    t.testdir({
      'actions.conf': `
SecRule ARGS:do "@streq drop" "id:100001,phase:1,drop,log,msg:'Drop'"
SecRule ARGS:do "@streq redirect" "id:100002,phase:1,redirect:https://else.example/,log,msg:'Away'"
SecRule ARGS:do "@streq teapot" "id:100003,phase:1,deny,status:418,log,msg:'Tea'"
SecRule ARGS:do "@streq note" "id:100004,phase:1,pass,log,msg:'Noted'"
SecRule ARGS:do "@streq quiet" "id:100005,phase:1,pass,nolog,msg:'Quiet'"
`,
    }),
    'actions.conf',
  )
  const upstream = await startUpstream(t, echo)
  for (const listener of LISTENERS) {
    const { port, auditOf, audit } = await startUnderTest(t, upstream.origin, {
      listener,
      detection: { rules: [rules] },
    })
    await t.rejects(ask(port, '/?do=drop'), { code: 'ECONNRESET' }, 'the connection is cut')
    const away = await ask(port, '/?do=redirect')
    t.equal(away.status, 302)
    t.equal(away.headers.location, 'https://else.example/')
    t.equal((await ask(port, '/?do=teapot')).status, 418)
    t.equal((await ask(port, '/?do=note')).status, 200)
    t.equal((await ask(port, '/?do=quiet')).status, 200)
    const lines = await auditOf(4)
    t.same(
      lines.map(({ verdict, rules: [rule] }) => [verdict.action, verdict.rule ?? rule?.id]),
      [
        ['drop', 100001],
        ['redirect', 100002],
        ['block', 100003],
        ['allow', 100004],
      ],
    )
    t.equal((await audit()).length, 4, 'a match that is not to be logged is not')
  }
})

t.test('a redirect that a request made unfit to send is cut, and recorded all the same', async (t) => {
  const rules = join(
    t.testdir({
      'away.conf': `SecRule ARGS:to "@rx ." "id:100010,phase:1,redirect:https://else.example/%{ARGS.to},log,msg:'Away'"`,
    }),
    'away.conf',
  )
  const upstream = await startUpstream(t, echo)
  for (const listener of LISTENERS) {
    const { port, auditOf } = await startUnderTest(t, upstream.origin, {
      listener,
      detection: { rules: [rules] },
    })
    t.equal((await ask(port, '/?to=there')).headers.location, 'https://else.example/there')
    await t.rejects(ask(port, '/?to=a%0d%0aset-cookie:b=c'), { code: 'ECONNRESET' })
    const lines = await auditOf(2)
    t.same(
      lines.map(({ verdict }) => [verdict.action, verdict.rule]),
      [
        ['redirect', 100010],
        ['redirect', 100010],
      ],
    )
  }
  t.same(upstream.seen, [])
})

t.test('a reason that quotes a secret is masked in the verdict store too', async (t) => {
  const rules = join(
    t.testdir({
      'quote.conf': `SecRule ARGS:password "@rx ^hunter" "id:100011,phase:1,deny,log,msg:'Known password %{ARGS.password}'"`,
    }),
    'quote.conf',
  )
  const { port, auditOf, dataDir } = await startUnderTest(t, undefined, { detection: { rules: [rules] } })
  t.equal((await ask(port, '/?password=hunter2')).status, 403)
  const [line] = await auditOf(1)
  t.notMatch(JSON.stringify(line), /hunter2/)
  const stored = await readVerdict(dataDir, line?.request_id ?? '')
  t.match(stored?.record.reason, /^Known password/)
  t.notMatch(JSON.stringify(stored?.record), /hunter2/)
})

t.test('a configuration that cannot be honoured fails at start and says why', async (t) => {
  await t.rejects(startUnderTest(t, undefined, { config: { audit_log: { file: '/none/audit.jsonl' } } }), {
    code: 'GATEWAY_AUDIT_LOG',
  })
  await t.rejects(startUnderTest(t, undefined, { detection: { rules: ['/none.conf'] } }))
  await t.rejects(
    startUnderTest(t, undefined, {
      config: {
        sites: [{ name: 'a', hosts: ['a'], upstream: 'http://127.0.0.1:1', detection: { moed: 1 } }],
      },
    }),
    { code: 'GATEWAY_SITE', message: /sites\.a\.detection/ },
  )
  const taken = await startUnderTest(t, undefined)
  await t.rejects(startUnderTest(t, undefined, { config: { listen: `127.0.0.1:${taken.port}` } }), {
    code: 'LISTEN_FAILED',
  })
})
