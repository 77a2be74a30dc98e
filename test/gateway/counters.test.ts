import { Worker } from 'node:worker_threads'
import t from 'tap'

import { allocateCounters, SharedCounterStore } from '../../gateway/counters.js'

t.test('a bucket gives its burst, then so many a second', (t) => {
  const store = new SharedCounterStore(allocateCounters(64))
  const now = 1_000_000
  for (let taken = 0; taken < 3; taken++) t.ok(store.take('a', 1, 3, now).ok)
  t.same(store.take('a', 1, 3, now), { ok: false, retryAfterMs: 1000 })
  t.ok(store.take('b', 1, 3, now).ok, 'another key has a bucket of its own')
  t.ok(store.take('a', 1, 3, now + 1000).ok)
  t.notOk(store.take('a', 1, 3, now + 1000).ok)
  t.notOk(store.take('a', 1, 3, now).ok, 'a clock that steps back gives nothing')
  t.end()
})

t.test('offences count inside their window', (t) => {
  const store = new SharedCounterStore(allocateCounters(64))
  t.equal(store.offend('a', 1000, 5000), 1)
  t.equal(store.offend('a', 1000, 5999), 2)
  t.equal(store.offend('a', 1000, 6000), 1, 'a new window')
  t.end()
})

t.test('a ban holds until its time, and a shorter one does not end it', (t) => {
  const store = new SharedCounterStore(allocateCounters(64))
  t.equal(store.bannedUntil('a', 1000), 0)
  store.ban('a', 5000)
  store.ban('a', 3000)
  t.equal(store.bannedUntil('a', 4999), 5000)
  t.equal(store.bannedUntil('a', 5000), 0)
  t.end()
})

t.test('a flood of keys stays inside the memory and says what it pushed out', (t) => {
  const store = new SharedCounterStore(allocateCounters(1024))
  for (let key = 0; key < 10_000; key++) store.ban(`k${key}`, 1e15 + key)
  t.ok(store.evicted.bans >= 10_000 - 1024)
  t.equal(store.bannedUntil('k9999', 1), 1e15 + 9999, 'the one that ends last stays')
  for (let key = 0; key < 10_000; key++) store.take(`k${key}`, 1, 1, key)
  t.ok(store.evicted.buckets > 0)
  t.equal(store.evicted.offences, 0)
  t.end()
})

t.test('threads share them, and no token is given twice', async (t) => {
  const memory = allocateCounters(1024)
  const rounds = 5000
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { SharedCounterStore } = await import(workerData.module)
    const store = new SharedCounterStore(workerData.memory)
    let ok = 0
    for (let i = 0; i < ${rounds}; i++) if (store.take('shared', 0.000001, 6000, 1).ok) ok++
    parentPort.postMessage(ok)
  `
  const module = new URL('../../gateway/counters.js', import.meta.url).href
  const counts = await Promise.all(
    Array.from(
      { length: 2 },
      () =>
        new Promise<number>((resolve, reject) => {
          const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
            workerData: { memory, module },
          })
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    ),
  )
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    6000,
  )
})
