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

void t.test('what is no store is refused', async (t) => {
  const folder = join(t.testdir(), 'state')
  mkdirSync(folder)
  await writeFile(join(folder, 'data.mdb'), Buffer.alloc(9000, 'x'))
  t.throws(() => new WitnessStore(folder), { code: 'INDEX_DAMAGED' })
})
