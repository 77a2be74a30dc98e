import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'

import { RecordPost } from '../../gateway/record-post.js'
import type { WrittenRecord } from '../../gateway/written-record.js'
import { writeRecord } from '../../gateway/written-record.js'
import { blockedRecord } from './fixtures/recording.js'

const written = (): WrittenRecord => writeRecord(blockedRecord(1_700_000_000_000), 1_700_000_000_000)

t.test('records come in order, in batches, also when none follow', async (t) => {
  const { port1, port2 } = new MessageChannel()
  const post = new RecordPost((batch, lost) => {
    t.equal(lost, 0)
    port1.postMessage(batch)
  })
  const sent = Array.from({ length: 300 }, written)
  for (const record of sent) post.add(record)
  const received: WrittenRecord[] = []
  let batches = 0
  while (received.length < sent.length) {
    const [batch] = (await once(port2, 'message')) as [WrittenRecord[]]
    received.push(...batch)
    batches++
  }
  t.same(received, sent)
  t.equal(batches, 3)
  port1.close()
})

t.test('what the other thread does not take in time is bounded, and counted', async (t) => {
  let lost = 0
  let posted = 0
  const post = new RecordPost((batch, count) => {
    posted += batch.length
    lost += count
  })
  const one = written()
  for (let i = 0; i < 25_000; i++) post.add(one)
  post.flush()
  t.equal(posted, 20_000)
  t.equal(lost, 5000)
  post.taken(10_000)
  for (let i = 0; i < 15_000; i++) post.add(one)
  post.flush()
  t.equal(posted, 30_000)
  t.equal(lost, 10_000)
})
