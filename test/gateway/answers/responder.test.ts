import { randomInt } from 'node:crypto'
import t from 'tap'

import { readAnswers } from '../../../gateway/answers/store.js'
import { encodeCommand, type GatewayCommand } from '../../../runtime/commands.js'
import type { CommandEvent } from '../../../runtime/events.js'
import type { Outbox } from '../../../runtime/outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { ask, echo, startUnderTest, startUpstream, type GatewayUnderTest } from '../gateway-fixture.js'

/** The test's own address is never banned, so clients come through a trusted proxy. */
const PROXIED = { trusted_proxies: ['127.0.0.1'] }
/** Without our own packs, which take their time to compile. */
const LIGHT = {
  phases: Object.fromEntries(
    ['scanner', 'sql_injection', 'xss', 'rce', 'traversal'].map((name) => [name, { mode: 'off' }]),
  ),
}
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

const order = (action: GatewayCommand['action'], more: Partial<GatewayCommand> = {}): GatewayCommand => ({
  id: uuidv7(Date.now()),
  time: Date.now(),
  incident: uuidv7(Date.now()),
  by: 'playbook:test',
  action,
  dry_run: false,
  ...more,
})

const give = async ({ outbox, gateway }: GatewayUnderTest, ...commands: GatewayCommand[]): Promise<void> => {
  const topic = openTopic(outbox, 'commands.gateway')
  await Promise.all(commands.map((command) => topic.append(encodeCommand(command))))
  await gateway.settled()
}

/** The command events told so far. */
const told = async (outbox: Outbox): Promise<CommandEvent[]> => {
  const events: CommandEvent[] = []
  const consumer = openTopic(outbox, 'events').consume('incidents', async (items) => {
    for (const { bytes } of items) {
      const event = JSON.parse(Buffer.from(bytes).toString()) as CommandEvent
      if (event.type.startsWith('command.')) events.push(event)
    }
  })
  await consumer.drained()
  await consumer.stop()
  return events
}

for (const [listener, threads] of [
  ['node', 1],
  ['uws', 2],
] as const)
  t.test(
    `${listener}, ${threads} threads: a ban holds at once, over a restart, until it is revoked`,
    async (t) => {
      const upstream = await startUpstream(t, echo)
      const options = {
        listener,
        config: { ...PROXIED, threads, timeouts: { shutdown: 1 } },
        detection: LIGHT,
      }
      const first = await startUnderTest(t, upstream.origin, options)
      t.equal((await ask(first.port, '/', from('203.0.113.9'))).status, 200)
      const ban = order({ type: 'ban_client', address: '203.0.113.0/24' })
      const patch = order({
        type: 'virtual_patch',
        site: 'default',
        path: '/item',
        variable: 'ARGS:id',
        allow: 'integer',
        max_length: 8,
        evidence: ['abc-def'],
      })
      t.equal((await ask(first.port, '/item?id=abc-def')).status, 200)
      await give(first, ban, patch)
      // Connections land on any thread.
      for (let i = 0; i < 8; i++) t.equal((await ask(first.port, '/', from('203.0.113.9'))).status, 403)
      t.equal((await ask(first.port, '/', from('203.0.114.9'))).status, 200)
      t.match(await told(first.outbox), [
        {
          type: 'command.applied',
          entry: String,
          data: { command: ban.id, incident: ban.incident, expires: Number },
        },
        { type: 'command.applied', data: { command: patch.id } },
      ])
      for (let i = 0; i < 8; i++) {
        t.equal((await ask(first.port, '/item?id=abc-def')).status, 403)
        t.equal((await ask(first.port, '/item?id=7')).status, 200)
      }
      const [line] = await first.auditOf(1)
      t.match(line?.verdict, { phase: 'ip_block', rule: 9_600_002, action: 'block' })
      t.match(await first.gateway.metrics(), /portcullis_answers_ban_client\{?[^\n]* 1\n/)
      await first.close()
      t.match(await readAnswers(first.dataDir), [
        { command: ban.id, by: 'playbook:test' },
        { command: patch.id },
      ])

      const second = await startUnderTest(t, upstream.origin, { ...options, dataDir: first.dataDir })
      t.equal((await ask(second.port, '/', from('203.0.113.9'))).status, 403)
      const revoke = order({ type: 'revoke', command: ban.id })
      await give(second, ban, revoke, order({ type: 'revoke', command: patch.id }))
      for (let i = 0; i < 8; i++) t.equal((await ask(second.port, '/', from('203.0.113.9'))).status, 200)
      t.match(
        (await told(second.outbox)).slice(0, 2).map(({ type, data }) => [type, data.command, data.code]),
        [
          ['command.applied', revoke.id, undefined],
          ['command.ended', ban.id, 'ANSWER_REVOKED'],
        ],
        'the ban that came again was known',
      )
      t.same(await readAnswers(first.dataDir), [])
    },
  )

t.test('a ban ends by itself when its time is over', async (t) => {
  const upstream = await startUpstream(t, echo)
  const under = await startUnderTest(t, upstream.origin, { config: PROXIED, detection: LIGHT })
  const ban = order({ type: 'ban_client', address: '203.0.113.9' }, { expires: Date.now() + 700 })
  await give(under, ban)
  t.equal((await ask(under.port, '/', from('203.0.113.9'))).status, 403)
  while ((await ask(under.port, '/', from('203.0.113.9'))).status === 403);
  await under.gateway.settled()
  t.match((await told(under.outbox)).at(-1), {
    type: 'command.ended',
    data: { command: ban.id, code: 'ANSWER_EXPIRED' },
  })
})

t.test('paths are blocked on their site, however they are written', async (t) => {
  const upstream = await startUpstream(t, echo)
  const under = await startUnderTest(t, undefined, {
    detection: LIGHT,
    config: {
      sites: [
        { name: 'shop', hosts: ['shop.test'], upstream: upstream.origin },
        { name: 'blog', hosts: ['blog.test'], upstream: upstream.origin },
      ],
    },
  })
  await give(under, order({ type: 'block_url', site: 'shop', path: '/old/Upload.php' }))
  const at = (path: string, host = 'shop.test') => ask(under.port, path, { headers: { host } })
  for (const path of [
    '/old/upload.php',
    '/old/%75pload.php?x=1',
    '/old//upload.php',
    '/OLD/upload.php/',
    '/old/upload.php;a',
  ])
    t.equal((await at(path)).status, 403, path)
  t.equal((await at('/old/uploads.php')).status, 200)
  t.equal((await at('/old/upload.php', 'blog.test')).status, 200)
})

t.test('what the gateway does not do, it says', async (t) => {
  const upstream = await startUpstream(t, echo)
  const under = await startUnderTest(t, upstream.origin, {
    config: { answers: { max_bans: 1 } },
    detection: LIGHT,
  })
  const first = order({ type: 'ban_client', address: '203.0.113.1' })
  await give(
    under,
    order({ type: 'ban_client', address: '127.0.0.1' }),
    order({ type: 'ban_client', address: '203.0.113.7' }, { dry_run: true }),
    first,
    order({ type: 'ban_client', address: '203.0.113.2' }),
    order({ type: 'revoke', command: uuidv7(1) }),
  )
  await openTopic(under.outbox, 'commands.gateway').append(Buffer.from('{"nonsense":1}'))
  await give(under, order({ type: 'block_url', site: 'nowhere', path: '/a' }))
  t.match(
    (await told(under.outbox)).map(({ type, data }) => [type, data.code, data.dry_run]),
    [
      ['command.refused', 'ANSWER_NEVER_BAN', false],
      ['command.applied', undefined, true],
      ['command.applied', undefined, false],
      ['command.refused', 'ANSWER_LIMIT', false],
      ['command.refused', 'ANSWER_UNKNOWN', false],
      ['command.refused', 'ANSWER_SITE', false],
    ],
  )
  t.match(await readAnswers(under.dataDir), [{ command: first.id }])
})

t.test('a ban that the configuration forbids by now ends at the start', async (t) => {
  const upstream = await startUpstream(t, echo)
  const first = await startUnderTest(t, upstream.origin, { config: PROXIED, detection: LIGHT })
  const ban = order({ type: 'ban_client', address: '203.0.113.0/24' })
  await give(first, ban)
  await first.close()
  const second = await startUnderTest(t, upstream.origin, {
    dataDir: first.dataDir,
    detection: LIGHT,
    config: { ...PROXIED, answers: { never_ban: ['203.0.113.77'] } },
  })
  t.equal((await ask(second.port, '/', from('203.0.113.9'))).status, 200)
  await second.gateway.settled()
  t.match((await told(second.outbox)).at(-1), {
    type: 'command.ended',
    data: { command: ban.id, code: 'ANSWER_NEVER_BAN' },
  })
})

t.test('thousands of bans hold together', async (t) => {
  const upstream = await startUpstream(t, echo)
  const under = await startUnderTest(t, upstream.origin, { config: PROXIED, detection: LIGHT })
  const bans = Array.from({ length: 2000 }, (_, i) =>
    order({ type: 'ban_client', address: `198.18.${i >> 8}.${i & 255}` }),
  )
  await give(under, ...bans)
  t.equal((await readAnswers(under.dataDir)).length, 2000)
  for (let i = 0; i < 5; i++) {
    const n = randomInt(2000)
    t.equal((await ask(under.port, '/', from(`198.18.${n >> 8}.${n & 255}`))).status, 403)
  }
  t.equal((await ask(under.port, '/', from('198.18.8.0'))).status, 200)
})
