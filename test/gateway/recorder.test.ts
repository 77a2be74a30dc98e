import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

import type { ActionPayload } from '../../proofs/action.js'
import { rootOfLeafHashes, leafHash } from '../../proofs/merkle.js'
import { actionsIn, auditIds, record, startRecording } from './fixtures/recording.js'

const PROGRAM = fileURLToPath(new URL('./fixtures/recording.js', import.meta.url))

const verdictsOf = (actions: readonly ActionPayload[]): ActionPayload[] =>
  actions.filter(({ kind }) => kind === 'security.verdict')

const summariesOf = (actions: readonly ActionPayload[]): ActionPayload[] =>
  actions.filter(({ kind }) => kind === 'security.summary')

const counted = (summaries: readonly ActionPayload[]): number =>
  summaries.reduce((sum, summary) => sum + Number(summary['count']), 0)

const sum = (counts: unknown): number =>
  Object.values(counts as Record<string, number>).reduce((total, count) => total + count, 0)

t.test('each of a flood is in the audit log, and in the ledger as an entry or in a summary', async (t) => {
  const dataDir = t.testdir({})
  const { recorder, outbox, store, metrics, close } = await startRecording(dataDir)
  const total = 5000
  for (let i = 0; i < total; i++) {
    record(recorder)
    if (i % 100 === 0) await new Promise(setImmediate)
  }
  await recorder.flush()
  const actions = await actionsIn(outbox)
  const summaries = summariesOf(actions)
  const audited = auditIds(dataDir)
  t.equal(audited.length, total)
  t.equal(new Set(audited).size, total)
  t.equal(verdictsOf(actions).length + counted(summaries), total)
  t.ok(counted(summaries) > 0, 'some were summarised')
  for (const summary of summaries) {
    t.equal(sum(summary['counts']), summary['count'])
    t.equal(sum(summary['rules']), summary['count'])
    t.same(summary['sites'], [{ site: 'default', count: summary['count'] }])
  }
  t.match(
    await metrics(),
    new RegExp(`portcullis_records_summarised_total\\{kind="ledger"[^}]*\\} ${counted(summaries)}\n`),
  )

  // Whoever has the store can show that any record is one of those that a summary counts.
  const stored = [...store.after(0)]
  t.equal(stored.length, total)
  const [summary] = summaries
  const from = stored.findIndex((one) => one.record.request_id === summary?.['first_id'])
  const leaves = stored
    .slice(from, from + Number(summary?.['count']))
    .map(({ commitment }) => leafHash(Buffer.from(commitment.hash, 'hex')))
  t.same(summary?.['records'], {
    count: leaves.length,
    root: Buffer.from(rootOfLeafHashes(leaves)).toString('hex'),
  })
  await close()
})

t.test('what the audit log holds is accounted for once, however often the process is killed', async (t) => {
  const dataDir = t.testdir({})
  for (const perTurn of [1, 20, 200]) {
    const child = fork(PROGRAM, [dataDir, String(perTurn)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    for (let turns = 0; turns < 150 / Math.sqrt(perTurn); turns++) await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const { recorder, outbox, store, close } = await startRecording(dataDir)
  await recorder.flush()
  const actions = await actionsIn(outbox)
  const audited = auditIds(dataDir)
  const stored = new Set([...store.after(0)].map((one) => one.record.request_id))
  const entries = verdictsOf(actions)
  t.ok(audited.length > 0)
  t.ok(
    audited.every((id) => stored.has(id)),
    'a line is written once its record is durable',
  )
  t.equal(new Set(entries.map(({ id }) => id)).size, entries.length, 'no entry came twice')
  t.equal(entries.length + counted(summariesOf(actions)), stored.size)
  await close()

  const again = await startRecording(dataDir)
  await again.recorder.flush()
  t.same(again.totals, { recorded: 0, summarised: 0 }, 'nothing is left to be recorded')
  await again.close()
})
