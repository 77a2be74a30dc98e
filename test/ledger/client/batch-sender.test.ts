import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { BatchSender } from '../../../ledger/client/batch-sender.js'
import { openKeyFile } from '../../../ledger/key-file.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'

const DELAY_MS = 100

/** Turns of waiting, so that a sender that is stuck fails the test instead of hanging it. */
const emptied = async (sender: BatchSender): Promise<boolean> => {
  for (let turn = 0; turn < 500 && sender.waiting > 0; turn++) await pause(10)
  return sender.waiting === 0
}

void t.test('a delay that ends with nothing left to send does not stop what comes later', async (t) => {
  const data = t.testdir()
  const outbox = openOutbox(join(data, 'outbox'))
  const topic = outbox.topic('ledger', { consumers: ['ledger'], capacity: 100 })
  const sender = new BatchSender({
    session: 's-018bcfe5-6800-7000-8000-000000000000',
    signer: await openKeyFile(join(data, 'key'), 'gateway'),
    topic,
    maxBatch: 2,
    maxDelayMs: DELAY_MS,
    log: undefined,
  })
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) sender.add(Buffer.from(`action ${sender.next}`))
  }
  // Two are a batch and leave at once; the third sets the delay and goes right behind them.
  add(3)
  t.ok(await emptied(sender))
  await pause(DELAY_MS * 2)
  add(2)
  t.ok(await emptied(sender), 'the next batch leaves')
  add(1)
  t.ok(await emptied(sender), 'and the one after it, by its delay')
  if (sender.waiting === 0) await sender.flush()
  t.equal(sender.next, 6)
  t.ok(topic.depth >= 3)
  await outbox.close()
})
