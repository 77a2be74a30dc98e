import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import type { VerdictRecord } from '../../gateway/verdict-record.js'
import { writeRecord } from '../../gateway/written-record.js'
import { readVerdict, VerdictStore } from '../../gateway/verdict-store.js'
import { uuidv7 } from '../../runtime/uuid.js'

const DAY = 86_400_000

const record = (requestId: string): VerdictRecord => ({
  time: '2026-01-01T00:00:00.000Z',
  request_id: requestId,
  client: '192.0.2.1',
  request: { method: 'GET', uri: '/?q=caf\xe9', host: 'a' },
  verdict: { action: 'block', mode: 'block', phase: 'xss', rule: 1, status: 403, score: 5, truncated: [] },
  rules: [],
  site: 'default',
  reason: 'r',
  response_status: 403,
  origins: [],
})

const written = (requestId: string, time = Date.now()) => writeRecord(record(requestId), time)

t.test('a verdict is found by its request id and its commitment opens', async (t) => {
  const dir = t.testdir({})
  const store = VerdictStore.open(dir, { max: 1000, days: 30 })
  const id = uuidv7(Date.now())
  const { first, commitments, stored } = store.append([written(id)], 0)
  const [commitment] = commitments
  await stored
  t.equal(first, 1)
  const found = store.get(id)
  t.same(found?.record, record(id))
  t.equal(
    createHmac('sha256', found?.salt ?? '')
      .update(found?.bytes ?? '')
      .digest('hex'),
    commitment?.hash,
  )
  t.equal(found?.salt.length, 16)
  t.not(store.append([written(id)], 0).commitments[0]?.hash, commitment?.hash, 'each has a salt of its own')
  t.equal(store.get(uuidv7(Date.now())), undefined)
  t.equal(statSync(join(dir, 'gateway', 'verdicts', 'data.mdb')).mode & 0o777, 0o600)
  await store.close()
})

t.test('another process reads while the gateway has it open', async (t) => {
  const dir = t.testdir({})
  const store = VerdictStore.open(dir, { max: 1000, days: 30 })
  const id = uuidv7(Date.now())
  await store.append([written(id)], 0).stored
  const script = `const { readVerdict } = await import(${JSON.stringify(new URL('../../gateway/verdict-store.js', import.meta.url).href)})
    const found = await readVerdict(${JSON.stringify(dir)}, ${JSON.stringify(id)})
    process.stdout.write(found.record.request_id)`
  const out = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script])
  t.equal(out.toString(), id)
  await store.close()
})

t.test('reading says what is wrong, and what is not there', async (t) => {
  const dir = t.testdir({})
  t.equal(await readVerdict(dir, uuidv7(Date.now())), undefined)
  await t.rejects(readVerdict(dir, '../../etc/passwd'), { code: 'GATEWAY_VERDICT_STORE' })
})

t.test('a flood behind verdicts that came one by one keeps to the bound', async (t) => {
  const store = VerdictStore.open(t.testdir({}), { max: 200, days: 30 })
  const now = Date.now()
  // A second apart, each is a value of its own.
  for (let n = 0; n < 200; n++) {
    const time = now - (200 - n) * 1000
    await store.append([written(uuidv7(time), time)], 0).stored
  }
  t.equal(store.count, 200)
  for (let n = 0; n < 4; n++) {
    await store.append(
      Array.from({ length: 128 }, () => written(uuidv7(now), now)),
      0,
    ).stored
    t.ok(store.count <= 200, `${store.count}`)
  }
  await store.close()
})

t.test('a file that is no store is refused, not crashed on', async (t) => {
  const dir = t.testdir({ gateway: { verdicts: { 'data.mdb': 'x'.repeat(10_000) } } })
  t.throws(() => VerdictStore.open(dir, { max: 1000, days: 30 }), { code: 'GATEWAY_VERDICT_STORE' })
  await t.rejects(readVerdict(dir, uuidv7(Date.now())), { code: 'GATEWAY_VERDICT_STORE' })
})

t.test('the oldest go when there are too many', async (t) => {
  const store = VerdictStore.open(t.testdir({}), { max: 100, days: 30 })
  const now = Date.now()
  const ids = Array.from({ length: 350 }, () => uuidv7(now))
  await Promise.all(ids.map((id) => store.append([written(id)], 0).stored))
  t.equal(store.count, 100)
  t.equal(store.get(ids[249] ?? ''), undefined)
  t.ok(store.get(ids[250] ?? ''))
  await store.close()
})

t.test('the too old go', async (t) => {
  const store = VerdictStore.open(t.testdir({}), { max: 1000, days: 2 })
  const start = Date.now() + DAY
  const old = uuidv7(start)
  const young = uuidv7(start + DAY)
  const latest = uuidv7(start + 2.5 * DAY)
  for (const id of [old, young, latest])
    await store.append([written(id, id === latest ? start + 2.5 * DAY : start)], 0).stored
  t.equal(store.get(old), undefined)
  t.ok(store.get(young))
  await store.close()
})

t.test('closing while the oldest are removed loses nothing and fails nothing', async (t) => {
  const dir = t.testdir({})
  const store = VerdictStore.open(dir, { max: 100, days: 30 })
  const now = Date.now()
  const ids = Array.from({ length: 500 }, () => uuidv7(now))
  const stored = ids.map((id) => store.append([written(id)], 0).stored)
  await store.close()
  await Promise.all(stored)
  // A rejection that nobody handles ends a role; it would come within these turns.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  t.ok(await readVerdict(dir, ids.at(-1) ?? ''))
})

t.test('a full disk refuses records and ends nothing', async (t) => {
  const modules = ['../../gateway/verdict-store.js', '../../runtime/uuid.js']
  const [store, uuid] = modules.map((path) => JSON.stringify(new URL(path, import.meta.url).href))
  // A limit on the size of files stands for a disk without room.
  const script = `const { execFileSync } = await import('node:child_process')
    const { VerdictStore } = await import(${store})
    const { uuidv7 } = await import(${uuid})
    let refused = 0
    let unhandled = 0
    process.on('SIGXFSZ', () => undefined)
    process.on('unhandledRejection', () => unhandled++)
    const store = VerdictStore.open(${JSON.stringify(t.testdir({}))}, { max: 100, days: 30 })
    // A write that never settles must end in an answer, not in a process with nothing left to do.
    const within = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, 4000))])
    execFileSync('prlimit', ['--fsize=150000', '--pid', String(process.pid)])
    const line = JSON.stringify({ pad: 'x'.repeat(2000) })
    const put = () => store.append([{ id: uuidv7(Date.now()), time: Date.now(), line, rest: '"a":1}' }], 0).stored
    for (let round = 0; round < 4; round++)
      await within(Promise.all(Array.from({ length: 100 }, () => put().catch(() => refused++))))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { writeSync } = await import('node:fs')
    writeSync(1, JSON.stringify({ refused, unhandled }))
    process.exit(0)`
  const out = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
    stdio: 'pipe',
  })
  const { refused, unhandled } = JSON.parse(out.toString()) as { refused: number; unhandled: number }
  t.ok(refused > 0, 'there was no room')
  t.equal(unhandled, 0)
})

t.test('it survives a restart', async (t) => {
  const dir = t.testdir({})
  const id = uuidv7(Date.now())
  const first = VerdictStore.open(dir, { max: 1000, days: 30 })
  void first.append([written(id)], 0)
  await first.close()
  const second = VerdictStore.open(dir, { max: 1000, days: 30 })
  t.ok(second.get(id))
  await second.close()
  t.ok(await readVerdict(dir, id))
})

t.test('records that come together are each found, and are numbered across restarts', async (t) => {
  const dir = t.testdir({})
  const first = VerdictStore.open(dir, { max: 10_000, days: 30 })
  const now = Date.now()
  // Slow requests end among those that began after them.
  const ids = Array.from({ length: 500 }, (_, i) => uuidv7(now - (i % 50 === 0 ? 60_000 : 0)))
  const { commitments, stored } = first.append(
    ids.map((id) => written(id)),
    0,
  )
  await stored
  t.equal(first.count, 500)
  for (const id of ids) t.equal(first.get(id)?.record.request_id, id)
  await first.mark(400)
  await first.close()
  const second = VerdictStore.open(dir, { max: 10_000, days: 30 })
  t.equal(second.last, 500)
  t.equal(second.marked, 400)
  const rest = [...second.after(400)]
  t.same(
    rest.map(({ number }) => number),
    Array.from({ length: 100 }, (_, i) => 401 + i),
  )
  t.same(
    rest.map((one) => one.record.request_id),
    ids.slice(400),
  )
  t.same(
    rest.map((one) => one.commitment),
    commitments.slice(400),
  )
  second.resume(1000)
  t.equal(
    second.append([written(uuidv7(now))], 0).first,
    1001,
    'numbers that are used elsewhere are left out',
  )
  await second.close()
})
