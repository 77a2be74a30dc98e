import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { originHash, WitnessStore } from '../../../ledger/witness/store.js'
import { SampleTree } from './sample-tree.js'

const log = new SampleTree()
const head = (size: number) => ({
  checkpoint: { origin: log.origin, size, root: Buffer.from(log.root(size)) },
  note: Buffer.from(log.checkpoint(size)),
})

void t.test('a head moves only as it is decided, and is still there after a restart', async (t) => {
  const folder = t.testdir()
  t.equal(originHash(log.origin), log.hash)
  let store = new WitnessStore(folder)
  t.equal(store.head(log.hash), undefined)
  store.advance(log.hash, (present) => {
    t.equal(present, undefined)
    return head(3)
  })
  store.advance(log.hash, () => undefined)
  t.same(store.head(log.hash), head(3), 'nothing decided, nothing changed')
  t.throws(
    () =>
      store.advance(log.hash, () => {
        throw new RangeError('no')
      }),
    RangeError,
  )
  t.same(store.head(log.hash), head(3))
  await store.close()
  store = new WitnessStore(folder)
  t.same(store.head(log.hash), head(3))
  t.equal(store.head(originHash('another')), undefined)
  await store.close()
})

void t.test('cosigned checkpoints are remembered, the newest ones of each log', async (t) => {
  const store = new WitnessStore(t.testdir(), 20)
  const root = Buffer.alloc(32, 7)
  const put = (hash: string, size: number): void =>
    store.advance(hash, () => ({ checkpoint: { origin: 'x', size, root }, note: Buffer.from(`${size}`) }))
  put('a'.repeat(64), 5)
  put('c'.repeat(64), 5)
  for (let size = 1; size <= 30; size++) put(log.hash, size)
  put(log.hash, 30)
  t.equal(store.cosigned(log.hash, 10), undefined)
  t.equal(Buffer.from(store.cosigned(log.hash, 11)!.note).toString(), '11')
  t.equal(store.head(log.hash)?.checkpoint.size, 30)
  for (const other of ['a', 'c']) t.ok(store.cosigned(other.repeat(64), 5), 'those of other logs stay')
  await store.close()
})

void t.test('proofs are kept once each, and a hundred at most', async (t) => {
  const store = new WitnessStore(t.testdir())
  t.equal(store.keepProof(log.hash, Buffer.from('a')), true)
  t.equal(store.keepProof(log.hash, Buffer.from('a')), false)
  for (let i = 0; i < 200; i++) store.keepProof(log.hash, Buffer.from(`proof ${i}`))
  t.equal(store.proofs(log.hash).length, 100)
  t.same(store.proofs('f'.repeat(64)), [])
  t.same(store.proofs('0'.repeat(64)), [])
  await store.close()
})

void t.test('a full disk takes no head, and none that was taken is lost', async (t) => {
  // A limit on the size of files stands for a disk without room.
  const script = `const { execFileSync } = await import('node:child_process')
    const { writeSync } = await import('node:fs')
    const { WitnessStore } = await import(${JSON.stringify(new URL('../../../ledger/witness/store.js', import.meta.url).href)})
    process.on('SIGXFSZ', () => undefined)
    const store = new WitnessStore(${JSON.stringify(t.testdir({}))})
    execFileSync('prlimit', ['--fsize=200000', '--pid', String(process.pid)])
    let last = 0
    let code
    try {
      for (let size = 1; size < 1000; size++) {
        const checkpoint = { origin: 'x', size, root: Buffer.alloc(32) }
        store.advance('hash', () => ({ checkpoint, note: Buffer.alloc(3000, 'x') }))
        last = size
      }
    } catch (error) {
      code = error.code
    }
    writeSync(1, JSON.stringify({ code, kept: store.head('hash')?.checkpoint.size === last, some: last > 10 }))
    process.exit(0)`
  const out = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script])
  t.same(JSON.parse(out.toString()), { code: 'INDEX_FAILED', kept: true, some: true })
})

void t.test('what is no store is refused', async (t) => {
  const folder = join(t.testdir(), 'state')
  mkdirSync(folder)
  await writeFile(join(folder, 'data.mdb'), Buffer.alloc(9000, 'x'))
  t.throws(() => new WitnessStore(folder), { code: 'INDEX_DAMAGED' })
})
