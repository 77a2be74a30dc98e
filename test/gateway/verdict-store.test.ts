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
