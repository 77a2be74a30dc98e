import { join } from 'node:path'
import { stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import type { ActionPayload } from '../../../proofs/action.js'
import { encodeHex } from '../../../proofs/bytes.js'
import { verifySealedBatch } from '../../../proofs/seal.js'
import { decodeEntryBundle } from '../../../proofs/tile.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import type { Consumer, Topic } from '../../../runtime/outbox.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { noteVerifier } from '../../../proofs/note-key.js'
import { readKeyFile } from '../../../ledger/key-file.js'
import { openLedgerRecorder, rolePaths } from '../../../ledger/client/client.js'
import type { LedgerRecorderOptions } from '../../../ledger/client/client.js'
import type { ActionInput } from '../../../ledger/client/types.js'

const ts = 1_700_000_000_000

const verdict = (action: string, phase: string, id?: string): ActionInput => ({
  ...(id !== undefined && { id }),
  kind: 'security.verdict',
  ts,
  members: {
    verdict: { action, phase, mode: 'block', status: 403, score: 5, truncated: [] },
    rules: [941100],
    record: { alg: 'hmac-sha256', hash: 'ab'.repeat(32) },
  },
})

/** A client on a real outbox, and every action that came out of it, with its seal verified. */
async function setUp(
  data: string,
  options: Partial<LedgerRecorderOptions> & { capacity?: number } = {},
): Promise<{
  options: LedgerRecorderOptions
  topic: Topic
  consume: () => Consumer
  actions: ActionPayload[]
  leaves: string[]
  close: () => Promise<void>
}> {
  const outbox = openOutbox(join(data, 'outbox'))
  const topic = outbox.topic('ledger', { consumers: ['ledger'], capacity: options.capacity ?? 1000 })
  const paths = rolePaths(data, 'gateway')
  const actions: ActionPayload[] = []
  const leaves: string[] = []
  const { capacity: _, ...rest } = options
  return {
    options: { agent: 'gateway', ...paths, topic, clock: { now: () => Date.now() }, ...rest },
    topic,
    consume: () =>
      topic.consume('ledger', async (items) => {
        const key = await readKeyFile(paths.keyFile)
        const keys = key === undefined ? [] : [noteVerifier(key.name, key.publicKey)]
        for (const { bytes } of items) {
          const entries = decodeEntryBundle(bytes, 100_000)
          const seal = entries.pop()
          const batch = verifySealedBatch(entries, seal ?? new Uint8Array(0), keys)
          actions.push(...batch.actions)
          leaves.push(...batch.leaves.map(encodeHex))
        }
      }),
    actions,
    leaves,
    close: () => outbox.close(),
  }
}

void t.test('actions reach the outbox in sealed batches, numbered without a gap', async (t) => {
  const data = t.testdir()
  const { options, consume, actions, close } = await setUp(data, { maxBatch: 10 })
  const client = await openLedgerRecorder(options)
  const ids = Array.from({ length: 25 }, () => client.record(verdict('block', 'xss', uuidv7(Date.now()))))
  t.ok(ids.every((id) => typeof id === 'string'))
  await client.close()
  await consume().drained()
  t.same(
    actions.map(({ kind }) => kind),
    ['session.open', ...Array.from({ length: 25 }, () => 'security.verdict'), 'session.close'],
  )
  t.same(
    actions.map(({ seq }) => seq),
    Array.from({ length: 27 }, (_, i) => i),
  )
  t.same(
    actions.slice(1, -1).map(({ id }) => id),
    ids,
  )
  t.equal(actions.at(-1)?.['count'], 26)
  t.ok(actions.every(({ session }) => session === client.session))
  t.equal((await stat(options.keyFile)).mode & 0o777, 0o600)
  t.throws(() => client.record(verdict('block', 'xss')), { code: 'CLIENT_CLOSED' })
  await close()
})

void t.test('a new session names the last entry of the one before as its parent', async (t) => {
  const data = t.testdir()
  const { options, consume, actions, leaves, close } = await setUp(data)
  const consumer = consume()
  const first = await openLedgerRecorder(options)
  await first.close()
  const crashed = await openLedgerRecorder(options)
  await crashed.flush()
  await consumer.drained()
  t.same(actions[2]?.parents, [leaves[1]], 'the close of the first')
  const third = await openLedgerRecorder(options)
  await third.close()
  await consumer.drained()
  t.same(actions[3]?.parents, [leaves[2]], 'the open of one that never closed')
  t.equal(new Set(actions.map(({ session }) => session)).size, 3)
  await crashed.close()
  await close()
})

void t.test('above the rate, actions are counted exactly', async (t) => {
  const data = t.testdir()
  let now = ts
  const { options, consume, actions, close } = await setUp(data, {
    clock: { now: () => now },
    summaryAbovePerSecond: 10,
  })
  const client = await openLedgerRecorder(options)
  const sent = { block_xss: 0, block_rce: 0, log_bot: 0 }
  let recorded = 0
  for (let second = 0; second < 5; second++) {
    now = ts + second * 1000
    for (let i = 0; i < 37; i++) {
      now += 13
      const [action, phase] = i % 3 === 0 ? ['block', 'xss'] : i % 3 === 1 ? ['block', 'rce'] : ['log', 'bot']
      const key = `${action}_${phase}` as keyof typeof sent
      if (client.record(verdict(action!, phase!, uuidv7(now))) === undefined) sent[key]++
      else recorded++
    }
    await client.flush()
  }
  await client.close()
  await consume().drained()
  t.equal(recorded, 50)
  const summaries = actions.filter(({ kind }) => kind === 'security.summary')
  t.equal(summaries.length, 5)
  const counts: Record<string, number> = {}
  for (const summary of summaries) {
    const values = Object.entries(summary['counts'] as Record<string, number>)
    for (const [key, value] of values) counts[key] = (counts[key] ?? 0) + value
    t.equal(
      values.reduce((sum, [, value]) => sum + value, 0),
      summary['count'],
    )
    t.ok(Number(summary['from']) < Number(summary['to']))
  }
  t.same(counts, sent)
  t.same(client.totals, { recorded: 50, summarised: 5 * 27 })
  t.equal(actions.filter(({ kind }) => kind === 'security.verdict').length, 50)
  await close()
})

void t.test(
  'a full outbox loses nothing: what it does not take is counted, and what waited comes later',
  async (t) => {
    const data = t.testdir()
    const { options, topic, consume, actions, close } = await setUp(data, {
      capacity: 3,
      maxBatch: 5,
      maxDelayMs: 0,
      summaryAbovePerSecond: 1_000_000,
    })
    const client = await openLedgerRecorder(options)
    let recorded = 0
    const total = 300
    for (let i = 0; i < total; i++) {
      if (client.record(verdict('block', 'xss')) !== undefined) recorded++
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    t.equal(topic.depth <= 3, true)
    t.ok(recorded < total, `${recorded} recorded, the rest counted`)
    const consumer = consume()
    await client.close()
    await consumer.drained()
    const single = actions.filter(({ kind }) => kind === 'security.verdict').length
    const counted = actions
      .filter(({ kind }) => kind === 'security.summary')
      .reduce((sum, action) => sum + Number(action['count']), 0)
    t.equal(single, recorded)
    t.equal(single + counted, total)
    t.same(
      actions.map(({ seq }) => seq),
      Array.from({ length: actions.length }, (_, i) => i),
    )
    await close()
  },
)

void t.test('an outbox that stays full makes close say what is lost', async (t) => {
  const data = t.testdir()
  const { options, topic, close } = await setUp(data, { capacity: 1 })
  await topic.append(Buffer.from('in the way'))
  const client = await openLedgerRecorder(options)
  client.record(verdict('block', 'xss'))
  await t.rejects(client.close(), { code: 'UNRECORDED', message: /3 entries/ })
  await close()
})

void t.test('what no schema fits and what has a used id is refused at once', async (t) => {
  const data = t.testdir()
  const { options, close } = await setUp(data)
  const client = await openLedgerRecorder(options)
  t.throws(() => client.record({ kind: 'nonsense', ts, members: {} }), { code: 'MALFORMED_ACTION' })
  t.throws(() => client.record({ kind: 'security.verdict', ts, members: {} }), { code: 'MALFORMED_ACTION' })
  t.throws(() => client.record({ ...verdict('block', 'xss'), ts: 1.5 }), { code: 'MALFORMED_ACTION' })
  const id = uuidv7(Date.now())
  t.equal(client.record(verdict('block', 'xss', id)), id)
  t.throws(() => client.record(verdict('block', 'rce', id)), { code: 'DUPLICATE_ID' })
  const disguised = {
    ...verdict('block', 'xss'),
    members: { ...verdict('block', 'xss').members, seq: 99, agent: 'x' },
  }
  t.type(client.record(disguised), 'string', 'members cannot replace the common ones')
  await client.close()
  t.same(client.totals, { recorded: 2, summarised: 0 })
  await close()
})

void t.test('two clients that start at once share one key', async (t) => {
  const data = t.testdir()
  const { options, consume, actions, close } = await setUp(data)
  const clients = await Promise.all([1, 2, 3].map(() => openLedgerRecorder(options)))
  await Promise.all(clients.map((client) => client.close()))
  await consume().drained()
  t.equal(actions.length, 6)
  await close()
})

t.test('a timer that fires when all is sent already does not stop what comes later', async (t) => {
  const { options, consume, actions, close } = await setUp(t.testdir(), { maxDelayMs: 40 })
  const client = await openLedgerRecorder(options)
  const sent = client.flush()
  // Sent by the flush that is under way, while its own timer still runs.
  client.record(verdict('block', 'xss'))
  await sent
  await client.flush()
  await pause(80)
  client.record(verdict('block', 'rce'))
  await client.flush()
  const consumer = consume()
  await consumer.drained()
  t.strictSame(
    actions.map((action) => action['kind']),
    ['session.open', 'security.verdict', 'security.verdict'],
  )
  await client.close()
  await consumer.stop()
  await close()
})
