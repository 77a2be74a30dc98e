import { join } from 'node:path'
import t from 'tap'
import { EntryRecorder } from '../../incidents/recorder.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openIncident, openTestCore, silent } from './fixtures/core.js'

t.test('entries that the outbox does not take wait, in order, and are told of', async (t) => {
  const core = await openTestCore(t)
  for (let at = 0; at < 4; at++) await openIncident(core)
  const due = core.store.sessions.pending(100).map(({ item }) => Buffer.from(item).toString('base64'))
  t.equal(due.length, 8)
  const outbox = openOutbox(join(t.testdirName, 'outbox'), { log: silent })
  const topic = outbox.topic('ledger', { consumers: ['ledger'], capacity: 3 })
  const recorder = new EntryRecorder({ store: core.store, topic, log: silent })
  const recording = recorder.record()
  while (recorder.problem === undefined) await new Promise(setImmediate)
  t.match(recorder.problem, /OUTBOX_FULL/)
  t.equal(core.store.sessions.waiting, 5)
  const taken: string[] = []
  const consumer = topic.consume('ledger', async (items) => {
    for (const { bytes } of items) taken.push(Buffer.from(bytes).toString('base64'))
  })
  await recording
  await consumer.drained()
  t.equal(recorder.problem, undefined)
  t.strictSame(taken, due)
  await recorder.stop()
  await outbox.close()
  await core.store.close()
})
