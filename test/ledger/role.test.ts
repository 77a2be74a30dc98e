import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { formatPolicy } from '../../proofs/policy.js'
import { decodeVkey } from '../../proofs/note-key.js'
import { decodeEntryBundle, encodeEntryBundle } from '../../proofs/tile.js'
import { verifyBundle } from '../../proofs/verify.js'
import type { OperationalEvent } from '../../runtime/events.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { openAccess } from '../../ledger/access.js'
import { openLedgerRecorder, rolePaths } from '../../ledger/client/client.js'
import { ledgerConfig } from '../../ledger/config.js'
import { readIdentity } from '../../ledger/identity.js'
import { defaultName } from '../../ledger/role.js'
import { agent, batch, clock, silent, trust } from './sample-log.js'
import { ask, jsonOf, start } from './sample-role.js'
import type { Running } from './sample-role.js'

const sizeOf = async (data: string): Promise<number> => Number(jsonOf(await ask(data, '/health'))['size'])

/** Waits until everything that is in the outbox now has been handled. */
async function drained(running: Running, data: string, size: number): Promise<void> {
  while ((await sizeOf(data)) < size || running.topic.depth > 0)
    await new Promise((resolve) => setTimeout(resolve, 5))
}

void t.test('what a role records becomes an entry whose receipt verifies', async (t) => {
  const data = t.testdir()
  let running = await start(data)
  const client = await openLedgerRecorder({
    agent: 'gateway',
    ...rolePaths(data, 'gateway'),
    topic: running.topic,
    clock,
  })
  const id = client.record({
    id: uuidv7(Date.now()),
    kind: 'security.verdict',
    ts: Date.now(),
    members: {
      verdict: { action: 'block', phase: 'xss', mode: 'block', status: 403, score: 5, truncated: [] },
      rules: [941100],
      record: { alg: 'hmac-sha256', hash: 'ab'.repeat(32) },
    },
  })
  await client.close()
  await drained(running, data, 6)
  const receipt = await ask(data, `/v1/entries/${id}/receipt`)
  t.equal(receipt.status, 200)
  const identity = await readIdentity(join(data, 'ledger'))
  const { keys } = jsonOf(await ask(data, '/v1/agents/gateway')) as {
    keys: { vkey: string; first: number }[]
  }
  const policy = formatPolicy({
    logs: [{ verifier: decodeVkey(identity!.vkey) }],
    witnesses: [],
    groups: [],
    quorum: 'none',
    agents: keys.map(({ vkey, first }) => ({ verifier: decodeVkey(vkey), first })),
    anchors: [],
  })
  t.match(verifyBundle(receipt.body, policy), {
    ok: true,
    entry: { action: { id, kind: 'security.verdict' } },
  })
  t.equal(running.role.checks.ledger(), undefined)
  t.match(await running.role.metrics(), /^portcullis_ledger_entries 6$/m)
  await running.stop()

  running = await start(data)
  t.equal(await sizeOf(data), 6)
  const later = await ask(data, `/v1/entries/${id}/receipt`)
  t.match(verifyBundle(later.body, policy), { ok: true }, 'also after a restart')
  await running.stop()
})

void t.test('the outbox may deliver a batch any number of times', async (t) => {
  const data = t.testdir()
  const alice = agent('alice')
  await trust(data, alice)
  const one = encodeEntryBundle(batch(alice, 0, 3))
  const two = encodeEntryBundle(batch(alice, 3, 2))
  const running = await start(data)
  for (const item of [one, one, two, one, two]) await running.topic.append(item)
  await drained(running, data, 7)
  t.equal(await sizeOf(data), 7)
  await running.stop()
  const again = await start(data)
  await again.topic.append(one)
  await again.topic.append(two)
  await drained(again, data, 7)
  t.equal(await sizeOf(data), 7)
  t.match(await again.role.metrics(), /^portcullis_ledger_refused_total 0$/m)
  await again.stop()
})

void t.test(
  'a batch that cannot be taken is kept aside and announced, and the next ones go on',
  async (t) => {
    const data = t.testdir()
    const alice = agent('alice')
    await trust(data, alice)
    const good = batch(alice, 0, 3)
    const broken = [...batch(alice, 3, 2).slice(0, 2), ...good.slice(-1)]
    const items = [
      encodeEntryBundle(broken),
      Buffer.from('not a bundle'),
      encodeEntryBundle(batch(agent('mallory'), 0, 1)),
      encodeEntryBundle(good),
    ]
    const outbox = openOutbox(join(data, 'outbox'))
    const events: OperationalEvent[] = []
    for (const item of items) await openTopic(outbox, 'ledger').append(item)
    const consumer = openTopic(outbox, 'events').consume('incidents', async (batch) => {
      for (const { bytes } of batch)
        events.push(JSON.parse(Buffer.from(bytes).toString()) as OperationalEvent)
    })
    const running = await start(data)
    await drained(running, data, 4)
    t.equal(await sizeOf(data), 4)
    await consumer.drained()
    await consumer.stop()
    t.same(events.map(({ data }) => data.code).sort(), ['MALFORMED_BUNDLE', 'TRUNCATED'])
    t.ok(events.every(({ type, data }) => type === 'operational' && data.role === 'ledger'))
    const kept = await readdir(join(data, 'ledger', 'refused'))
    t.equal(kept.length, 2)
    const metrics = await running.role.metrics()
    t.match(metrics, /^portcullis_ledger_refused_total 2$/m)
    t.match(metrics, /^portcullis_ledger_waiting_batches 1$/m, 'and the one of an unknown key waits')
    await running.stop()
    await outbox.close()
  },
)

void t.test('a command reaches the ledger whether a writer runs or not', async (t) => {
  const data = t.testdir()
  const alice = agent('alice')
  await trust(data, alice)
  const options = {
    data,
    config: ledgerConfig.parse({}),
    clock,
    env: {},
    log: silent,
    openTopic: () => {
      const outbox = openOutbox(join(data, 'outbox'))
      return { topic: openTopic(outbox, 'ledger'), close: () => outbox.close() }
    },
  }
  const waiting = options.openTopic()
  await waiting.topic.append(encodeEntryBundle(batch(alice, 0, 2)))
  await waiting.close()

  const alone = await openAccess(options)
  t.match(JSON.parse(Buffer.from((await alone.request({ target: '/health' })).body).toString()), { size: 3 })
  const body = encodeEntryBundle(batch(alice, 2, 1))
  const type = 'application/x.portcullis.entries'
  const post = { method: 'POST', target: '/v1/entries', contentType: type, body }
  t.equal((await alone.request(post)).status, 201)
  await alone.close()

  const running = await start(data)
  const beside = await openAccess(options)
  t.equal((await beside.request(post)).status, 200, 'the same bytes over the socket')
  const bundle = await beside.request({ target: '/tile/entries/000.p/5' })
  t.equal(decodeEntryBundle(bundle.body, 256).length, 5)
  await beside.close()
  await running.stop()
})

void t.test('two roles on one folder: the second does not start', async (t) => {
  const data = t.testdir()
  const running = await start(data)
  await t.rejects(start(data), { code: 'LOCKED' })
  t.equal((await ask(data, '/health')).status, 200, 'and the first still serves')
  await running.stop()
})

void t.test('a token that is missing or short keeps the role from starting', async (t) => {
  const data = t.testdir()
  await t.rejects(start(data, { config: { listen: '127.0.0.1:0', token: 'env:NOT_SET' } }), {
    code: 'SECRET_MISSING',
    message: /env:NOT_SET/,
  })
  const short = join(data, 'short')
  await writeFile(short, 'guessable\n', { mode: 0o600 })
  await t.rejects(start(data, { config: { listen: '127.0.0.1:0', token: `file:${short}` } }), {
    code: 'BAD_KEY',
    message: /^(?!.*guessable)/,
  })
  t.match(defaultName(), /^[a-z0-9]/)
})
