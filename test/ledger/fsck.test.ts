import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { realDisk } from '../../ledger/disk.js'
import { checkLogFolder } from '../../ledger/fsck.js'
import { IndexStore } from '../../ledger/index-store.js'
import { agent, append, batch, clock, note, open, silent } from './sample-log.js'

const alice = agent('alice')

async function sample(folder: string): Promise<string> {
  const log = await open(folder, [alice])
  for (let i = 0; i < 300; i++) void append(log, [note(alice, { seq: i })])
  await append(log, batch(alice, 300, 40))
  await log.close()
  const [segment = ''] = await readdir(join(folder, 'wal'))
  return join(folder, 'wal', segment)
}

const check = async (folder: string, repair = false) => {
  const report = await checkLogFolder({ folder, disk: realDisk, clock, log: silent, name: 'test', repair })
  return { ok: report.ok, results: report.checks.map(({ name, result }) => `${name}: ${result}`), report }
}

const ALL_PASS = ['key: pass', 'write-ahead log: pass', 'root: pass', 'index: pass', 'checkpoint: pass']

void t.test('a whole folder passes, and is not changed', async (t) => {
  const folder = join(t.testdir({}), 'ledger')
  const segment = await sample(folder)
  const before = await readFile(segment)
  const names = await readdir(folder)
  const { ok, results, report } = await check(folder)
  t.ok(ok)
  t.same(results, ALL_PASS)
  t.equal(report.size, 341)
  t.ok(before.equals(await readFile(segment)))
  t.same(await readdir(folder), names)
})

void t.test('a flipped bit is refused with file and offset', async (t) => {
  const folder = join(t.testdir({}), 'ledger')
  const segment = await sample(folder)
  const bytes = await readFile(segment)
  bytes[100] = (bytes[100] ?? 0) ^ 4
  await writeFile(segment, bytes)
  for (const repair of [false, true]) {
    const { ok, report } = await check(folder, repair)
    t.notOk(ok)
    t.match(report.checks.at(-1), {
      name: 'write-ahead log',
      result: 'fail',
      code: 'WAL_DAMAGED',
      detail: { file: '00000000000000000000.wal', offset: 48 },
    })
    t.ok(bytes.equals(await readFile(segment)), 'nothing is changed')
  }
})

void t.test('a torn tail is told, and cut off by a repair only', async (t) => {
  const folder = join(t.testdir({}), 'ledger')
  const segment = await sample(folder)
  const { size } = await stat(segment)
  await truncate(segment, size + 10)
  const { ok, report } = await check(folder)
  t.notOk(ok)
  t.match(report.checks[1], { result: 'repairable', detail: { offset: size, bytes: 10 } })
  t.equal((await stat(segment)).size, size + 10)
  const repaired = await check(folder, true)
  t.ok(repaired.ok)
  t.equal(repaired.results[1], 'write-ahead log: repaired')
  t.equal((await stat(segment)).size, size)
  t.same((await check(folder)).results, ALL_PASS)
})

void t.test('a row of the index that is wrong, lacking or too many is found and repaired', async (t) => {
  const folder = join(t.testdir({}), 'ledger')
  await sample(folder)
  const rows = [
    { index: 7, leaf: Buffer.alloc(32, 1), bytes: Buffer.alloc(0) },
    {
      index: 9,
      leaf: Buffer.alloc(32, 2),
      bytes: Buffer.alloc(0),
      identity: { agent: 'alice', id: 'an-id-that-is-not-there' },
    },
  ]
  for (const row of rows) {
    const store = new IndexStore(join(folder, 'index'))
    await store.restore([row], [])
    await store.close()
    const { ok, results } = await check(folder)
    t.notOk(ok)
    t.equal(results[3], 'index: repairable')
    t.equal((await check(folder, true)).results[3], 'index: repaired')
    t.same((await check(folder)).results, ALL_PASS)
  }
  const store = new IndexStore(join(folder, 'index'))
  await store.restore([], [{ level: 0, index: 0, hashes: Buffer.alloc(256 * 32) }])
  await store.close()
  t.equal((await check(folder, true)).results[3], 'index: repaired', 'a tile')
})

void t.test('entries of another log, a lost checkpoint and a lost key are refused', async (t) => {
  const base = t.testdir({})
  const [folder, other] = [join(base, 'ledger'), join(base, 'other')]
  const segment = await sample(folder)
  await writeFile(segment, await readFile(await sample(other)))
  const { report } = await check(folder)
  t.match(report.checks[2], { name: 'root', result: 'fail', code: 'ROOT_MISMATCH' })

  await rm(join(other, 'index'), { recursive: true })
  t.match((await check(other, true)).report.checks[1], { result: 'fail', code: 'CHECKPOINT_MISSING' })
  await rm(join(other, 'key'))
  t.match((await check(other)).report.checks, [{ name: 'key', result: 'fail', code: 'BAD_IDENTITY' }])
})

void t.test('a folder without a log, or with a running writer, is not looked at', async (t) => {
  const folder = join(t.testdir({}), 'ledger')
  await t.rejects(check(folder), { code: 'NOT_INITIALISED' })
  const log = await open(folder, [alice])
  // The holder of the lease is this very process, which runs.
  await t.rejects(check(folder), { code: 'LOCKED' })
  await log.close()
})
