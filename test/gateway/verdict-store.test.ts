import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import type { VerdictRecord } from '../../gateway/verdict-record.js'
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

t.test('a verdict is found by its request id and its commitment opens', async (t) => {
  const dir = t.testdir({})
  const store = VerdictStore.open(dir, { max: 1000, days: 30 })
  const id = uuidv7(Date.now())
  const { commitment, stored } = store.put(record(id))
  await stored
  const found = store.get(id)
  t.same(found?.record, record(id))
  t.equal(
    createHmac('sha256', found?.salt ?? '')
      .update(found?.bytes ?? '')
      .digest('hex'),
    commitment.hash,
  )
  t.equal(found?.salt.length, 16)
  t.not(store.put(record(id)).commitment.hash, commitment.hash, 'each has a salt of its own')
  t.equal(store.get(uuidv7(Date.now())), undefined)
  t.equal(statSync(join(dir, 'gateway', 'verdicts', 'data.mdb')).mode & 0o777, 0o600)
  await store.close()
})

t.test('another process reads while the gateway has it open', async (t) => {
  const dir = t.testdir({})
  const store = VerdictStore.open(dir, { max: 1000, days: 30 })
  const id = uuidv7(Date.now())
  await store.put(record(id)).stored
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

t.test('a file that is no store is refused, not crashed on', async (t) => {
  const dir = t.testdir({ gateway: { verdicts: { 'data.mdb': 'x'.repeat(10_000) } } })
  t.throws(() => VerdictStore.open(dir, { max: 1000, days: 30 }), { code: 'GATEWAY_VERDICT_STORE' })
  await t.rejects(readVerdict(dir, uuidv7(Date.now())), { code: 'GATEWAY_VERDICT_STORE' })
})

t.test('the oldest go when there are too many', async (t) => {
  const store = VerdictStore.open(t.testdir({}), { max: 100, days: 30 })
  const now = Date.now()
  const ids = Array.from({ length: 350 }, () => uuidv7(now))
  await Promise.all(ids.map((id) => store.put(record(id)).stored))
  await store.prune(now)
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
  await Promise.all([old, young].map((id) => store.put(record(id)).stored))
  await store.prune(start + 2.5 * DAY)
  t.equal(store.get(old), undefined)
  t.ok(store.get(young))
  await store.close()
})

t.test('closing while the oldest are removed loses nothing and fails nothing', async (t) => {
  const dir = t.testdir({})
  const store = VerdictStore.open(dir, { max: 100, days: 30 })
  const now = Date.now()
  const ids = Array.from({ length: 500 }, () => uuidv7(now))
  const stored = ids.map((id) => store.put(record(id)).stored)
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
    const put = () => store.put({ request_id: uuidv7(Date.now()), pad: 'x'.repeat(2000) }).stored
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
  void first.put(record(id))
  await first.close()
  const second = VerdictStore.open(dir, { max: 1000, days: 30 })
  t.ok(second.get(id))
  await second.close()
  t.ok(await readVerdict(dir, id))
})
