import { execFileSync, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'

import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { MAX_ITEM_BYTES } from '../../runtime/lmdb-topic.js'
import { createLogger } from '../../runtime/log.js'
import type { OutboxItem, Topic } from '../../runtime/outbox.js'

const text = (item: OutboxItem) => Buffer.from(item.bytes).toString()
const bytes = (value: string) => Buffer.from(value)
const PRODUCER = fileURLToPath(new URL('./fixtures/outbox-producer.js', import.meta.url))
const OPTIONS = { consumers: ['reader'], capacity: 1_000_000 }

const producer = (...args: string[]): ChildProcess =>
  fork(PRODUCER, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })

const readAll = async (topic: Topic, consumer = 'reader'): Promise<OutboxItem[]> => {
  const seen: OutboxItem[] = []
  const running = topic.consume(consumer, async (items) => void seen.push(...items))
  await running.drained()
  await running.stop()
  return seen
}

void t.test('delivers in order, with consecutive numbers, in a private folder', async (t) => {
  const folder = join(t.testdir({}), 'outbox')
  const outbox = openOutbox(folder)
  const topic = outbox.topic('events', OPTIONS)
  const sent = Array.from({ length: 1000 }, (_, n) => `item ${n}`)
  await Promise.all(sent.map((item) => topic.append(bytes(item))))
  t.equal(topic.depth, 1000)
  const seen = await readAll(topic)
  t.strictSame(seen.map(text), sent)
  t.strictSame(
    seen.map((item) => item.seq),
    sent.map((_, n) => n + 1),
  )
  t.equal(topic.depth, 0)
  await outbox.close()
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(statSync(join(folder, 'data.mdb')).mode & 0o777, 0o600)
})

void t.test('keeps bytes exactly, an empty item too', async (t) => {
  const outbox = openOutbox(t.testdir({}))
  const topic = outbox.topic('events', OPTIONS)
  const all = Uint8Array.from({ length: 256 }, (_, n) => n)
  await topic.append(all.subarray(10, 20))
  await topic.append(new Uint8Array(0))
  await topic.append(all)
  const seen = await readAll(topic)
  t.strictSame(
    seen.map((item) => [...item.bytes]),
    [[...all.subarray(10, 20)], [], [...all]],
  )
  await outbox.close()
})

void t.test(
  'a mark is kept with its item, by producer and topic, and not with one that is refused',
  async (t) => {
    const folder = t.testdir({})
    const outbox = openOutbox(folder)
    const topic = outbox.topic('events', { consumers: ['reader'], capacity: 2 })
    t.equal(topic.position('gateway'), 0)
    await topic.append(bytes('a'), { producer: 'gateway', position: 7 })
    await topic.append(bytes('b'), { producer: 'scanner', position: 3 })
    await t.rejects(topic.append(bytes('c'), { producer: 'gateway', position: 9 }), { code: 'OUTBOX_FULL' })
    t.equal(topic.position('gateway'), 7)
    await outbox.close()
    const again = openOutbox(folder)
    t.equal(again.topic('events', OPTIONS).position('gateway'), 7)
    t.equal(again.topic('events', OPTIONS).position('scanner'), 3)
    t.equal(again.topic('other', OPTIONS).position('gateway'), 0)
    await again.close()
  },
)

void t.test('has what was acknowledged after the producer is killed, in order', async (t) => {
  const folder = join(t.testdir({}), 'outbox')
  for (let round = 1; round <= 3; round++) {
    const child = producer(folder, `r${round}`, '1000000')
    let acknowledged = 0
    if (!child.stdout) throw new Error('no pipe')
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      acknowledged = Number(line)
      if (acknowledged === round * 40) child.kill('SIGKILL')
    })
    const closed = once(lines, 'close')
    await once(child, 'exit')
    await closed
    const outbox = openOutbox(folder)
    const seen = (await readAll(outbox.topic('events', OPTIONS))).map(text)
    t.ok(seen.length >= acknowledged, `${seen.length} kept of ${acknowledged} acknowledged`)
    t.strictSame(
      seen,
      seen.map((_, n) => `r${round}:${n + 1}`),
    )
    await outbox.close()
  }
})

void t.test('takes appends of two processes and its own at once, while it consumes', async (t) => {
  const folder = join(t.testdir({}), 'outbox')
  const outbox = openOutbox(folder)
  const topic = outbox.topic('events', OPTIONS)
  const seen: OutboxItem[] = []
  const consumer = topic.consume('reader', async (items) => void seen.push(...items))
  const children = [producer(folder, 'a', '300'), producer(folder, 'b', '300')]
  for (const child of children) child.stdout?.resume()
  const exits = Promise.all(children.map((child) => once(child, 'exit')))
  for (let n = 1; n <= 300; n++) await topic.append(bytes(`c:${n}`))
  t.strictSame(await exits, [
    [0, null],
    [0, null],
  ])
  await consumer.drained()
  await consumer.stop()
  t.strictSame(
    seen.map((item) => item.seq),
    Array.from({ length: 900 }, (_, n) => n + 1),
  )
  for (const label of ['a', 'b', 'c'])
    t.strictSame(
      seen.map(text).filter((item) => item.startsWith(label)),
      Array.from({ length: 300 }, (_, n) => `${label}:${n + 1}`),
    )
  await outbox.close()
})

void t.test(
  'keeps an item until the slowest of its consumers has passed it, also one that is down',
  async (t) => {
    const folder = t.testdir({})
    const options = { consumers: ['incidents', 'archive'], capacity: 100 }
    const first = openOutbox(folder)
    const topic = first.topic('events', options)
    for (const item of ['one', 'two', 'three']) await topic.append(bytes(item))
    t.strictSame((await readAll(topic, 'incidents')).map(text), ['one', 'two', 'three'])
    t.equal(topic.depth, 3, 'archive has passed nothing')
    await first.close()

    const second = openOutbox(folder)
    const again = second.topic('events', options)
    t.strictSame((await readAll(again, 'incidents')).map(text), [], 'its cursor survived')
    t.strictSame((await readAll(again, 'archive')).map(text), ['one', 'two', 'three'])
    t.equal(again.depth, 0)
    await second.close()
  },
)

void t.test('refuses at capacity and accepts again once there is room', async (t) => {
  const outbox = openOutbox(t.testdir({}))
  const topic = outbox.topic('events', { consumers: ['reader'], capacity: 3 })
  const results = await Promise.allSettled(['1', '2', '3', '4', '5'].map((item) => topic.append(bytes(item))))
  t.strictSame(
    results.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
  )
  await t.rejects(topic.append(bytes('6')), { code: 'OUTBOX_FULL' })
  t.equal(topic.depth, 3)
  t.strictSame((await readAll(topic)).map(text), ['1', '2', '3'])
  await topic.append(bytes('7'))
  t.equal(topic.depth, 1)
  await outbox.close()
})

void t.test('refuses an item that no batch could hold', async (t) => {
  const outbox = openOutbox(t.testdir({}))
  const topic = outbox.topic('events', OPTIONS)
  await t.rejects(topic.append(new Uint8Array(MAX_ITEM_BYTES + 1)), { code: 'OUTBOX_ITEM_TOO_LARGE' })
  await outbox.close()
})

void t.test('brings a batch again after its handler rejected, and says so in the log', async (t) => {
  const lines: string[] = []
  const log = createLogger({
    level: 'info',
    role: 'test',
    destination: { write: (line) => void lines.push(line) },
  })
  const outbox = openOutbox(t.testdir({}), { log })
  const topic = outbox.topic('events', OPTIONS)
  await topic.append(bytes('a'))
  await topic.append(bytes('b'))
  const attempts: string[][] = []
  const consumer = topic.consume('reader', async (items) => {
    attempts.push(items.map(text))
    if (attempts.length < 3) throw new Error('store is down')
  })
  await consumer.drained()
  t.strictSame(attempts, [
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
  ])
  t.equal(lines.length, 2)
  t.match(lines[0], /store is down/)
  await outbox.close()
})

void t.test('gives batches of the size asked for', async (t) => {
  const outbox = openOutbox(t.testdir({}))
  const topic = outbox.topic('events', OPTIONS)
  await Promise.all(Array.from({ length: 10 }, (_, n) => topic.append(bytes(String(n)))))
  const sizes: number[] = []
  const consumer = topic.consume('reader', async (items) => void sizes.push(items.length), { batch: 4 })
  await consumer.drained()
  t.strictSame(sizes, [4, 4, 2])
  await outbox.close()
})

void t.test('wakes at once on a local append', async (t) => {
  const outbox = openOutbox(t.testdir({}))
  const topic = outbox.topic('events', OPTIONS)
  let got: (item: string) => void = () => {}
  const consumer = topic.consume('reader', async ([item]) => item && got(text(item)), { pollMs: 2 ** 30 })
  await consumer.drained()
  for (const value of ['x', 'y', 'z']) {
    const arrived = new Promise<string>((resolve) => (got = resolve))
    await topic.append(bytes(value))
    t.equal(await arrived, value)
  }
  await outbox.close()
})

void t.test('stop waits for the batch that runs, and its cursor counts', async (t) => {
  const folder = t.testdir({})
  const outbox = openOutbox(folder)
  const topic = outbox.topic('events', OPTIONS)
  await topic.append(bytes('a'))
  let finish = () => {}
  const running = new Promise<void>((resolve) => (finish = resolve))
  let done = false
  const started = new Promise<void>((resolve) => {
    const consumer = topic.consume('reader', async () => {
      resolve()
      await running
      done = true
    })
    void consumer
  })
  await started
  const closed = outbox.close()
  finish()
  await closed
  t.ok(done)
  const again = openOutbox(folder)
  t.equal(again.topic('events', OPTIONS).depth, 0)
  await again.close()
})

void t.test('a wait for an empty queue ends with an error when the consumer is stopped', async (t) => {
  const outbox = openOutbox(t.testdir({}))
  const topic = outbox.topic('events', OPTIONS)
  await topic.append(bytes('a'))
  const consumer = topic.consume('reader', () => Promise.reject(new Error('never')))
  const drained = consumer.drained()
  const failed = t.rejects(drained, { code: 'OUTBOX_CLOSED' })
  await consumer.stop()
  await failed
  await outbox.close()
  await t.rejects(topic.append(bytes('b')), { code: 'OUTBOX_CLOSED' })
})

void t.test('topics do not see each other, and a topic may be opened while appends run', async (t) => {
  const outbox = openOutbox(t.testdir({}))
  const events = outbox.topic('events', OPTIONS)
  const appends = Array.from({ length: 50 }, (_, n) => events.append(bytes(`e${n}`)))
  const ledger = outbox.topic('ledger', { consumers: ['writer'], capacity: 10 })
  await ledger.append(bytes('l'))
  await Promise.all(appends)
  t.strictSame((await readAll(ledger, 'writer')).map(text), ['l'])
  t.equal((await readAll(events)).length, 50)
  await outbox.close()
})

void t.test(
  'refuses a file that is no store, cut off, or a link, before the native library sees it',
  async (t) => {
    const folder = t.testdir({
      garbage: { 'data.mdb': 'this is no database'.repeat(1000) },
      cut: {},
      link: {},
    })
    const sound = openOutbox(join(folder, 'sound'))
    await sound.topic('events', OPTIONS).append(bytes('a'))
    await sound.close()
    const store = join(folder, 'sound', 'data.mdb')
    writeFileSync(join(folder, 'cut', 'data.mdb'), readFileSync(store).subarray(0, 4096))
    symlinkSync(store, join(folder, 'link', 'data.mdb'))
    for (const kind of ['garbage', 'cut', 'link'])
      t.throws(() => openOutbox(join(folder, kind)), { code: 'OUTBOX_OPEN' }, kind)
  },
)

t.test('a full disk refuses items and ends nothing', async (t) => {
  // A limit on the size of files stands for a disk without room.
  const script = `const { execFileSync } = await import('node:child_process')
    const { openOutbox } = await import(${JSON.stringify(new URL('../../runtime/lmdb-outbox.js', import.meta.url).href)})
    const codes = new Set()
    let unhandled = 0
    process.on('SIGXFSZ', () => undefined)
    process.on('unhandledRejection', () => unhandled++)
    const topic = openOutbox(${JSON.stringify(t.testdir({}))}).topic('events', { consumers: ['a'], capacity: 1000 })
    // A write that never settles must end in an answer, not in a process with nothing left to do.
    const within = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, 4000))])
    execFileSync('prlimit', ['--fsize=150000', '--pid', String(process.pid)])
    const append = () => topic.append(Buffer.alloc(2000)).catch((error) => codes.add(error.code))
    for (let round = 0; round < 4; round++) await within(Promise.all(Array.from({ length: 100 }, append)))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { writeSync } = await import('node:fs')
    writeSync(1, JSON.stringify({ codes: [...codes], unhandled }))
    process.exit(0)`
  const out = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
    stdio: 'pipe',
  })
  t.same(JSON.parse(out.toString()), { codes: ['OUTBOX_WRITE'], unhandled: 0 })
})
