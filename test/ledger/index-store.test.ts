import { execFileSync } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { encodeBase64 } from '../../proofs/base64.js'
import { leafHash } from '../../proofs/hashing.js'
import { EMPTY_ROOT } from '../../proofs/merkle.js'
import { IndexStore } from '../../ledger/index-store.js'
import type { Commit } from '../../ledger/index-store.js'
import { Lease } from '../../ledger/lease.js'
import { clock } from './sample-log.js'

const leaf = leafHash(Buffer.from('entry'))
const empty = { size: 0, root: encodeBase64(EMPTY_ROOT), time: 1 }

const commit = (epoch: number, from: number, size: number): Commit => ({
  epoch,
  from,
  checkpoint: { size, root: encodeBase64(leaf), time: 2 },
  entries: [{ index: from, leaf, bytes: Buffer.from('entry'), identity: { agent: 'alice', id: 'an-id' } }],
  tiles: [{ level: 0, index: 0, hashes: leaf }],
})

void t.test('the checkpoint moves by compare-and-swap, with its rows or not at all', async (t) => {
  const folder = t.testdir()
  const store = new IndexStore(folder)
  const lease = new Lease(store, clock, () => t.fail('the lease is lost'))
  store.initialise(empty)
  t.throws(() => store.initialise(empty), { code: 'ALREADY_INITIALISED' })
  const refused: [what: string, commit: Commit][] = [
    ['another size than recorded', commit(lease.epoch, 1, 2)],
    ['the same size again', commit(lease.epoch, 0, 0)],
    ['another holder of the lease', commit(lease.epoch + 1, 0, 1)],
  ]
  for (const [what, bad] of refused) {
    await t.rejects(store.commit(bad), { code: 'CHECKPOINT_CONFLICT', fatal: true }, what)
    t.same(store.checkpoint, empty)
    t.equal(store.findId('alice', 'an-id'), undefined)
    t.equal(store.findLeaf(leaf), undefined)
  }
  await store.commit(commit(lease.epoch, 0, 1))
  await t.rejects(store.commit(commit(lease.epoch, 0, 1)), { code: 'CHECKPOINT_CONFLICT' })
  t.match(store.checkpoint, { size: 1 })
  t.equal(store.findId('alice', 'an-id'), 0)
  t.same(store.findIds('an-id'), [0])
  t.same(store.findIds('an'), [])
  t.equal(store.findLeaf(leaf), 0)
  lease.release()
  await store.close()

  const again = new IndexStore(folder)
  t.match(again.checkpoint, { size: 1 })
  t.same(Buffer.from(again.readTile(0, 0) ?? []), Buffer.from(leaf))
  await again.close()
  for (const file of ['data.mdb', 'lock.mdb']) t.equal((await stat(join(folder, file))).mode & 0o777, 0o600)
})

void t.test('a file that is no store of ours is refused by name', async (t) => {
  const folder = join(t.testdir(), 'index')
  await mkdir(folder)
  await writeFile(join(folder, 'data.mdb'), Buffer.alloc(20_000, 7))
  t.throws(() => new IndexStore(folder), { code: 'INDEX_DAMAGED' })
})

void t.test('a full disk refuses a commit and ends nothing', async (t) => {
  // A limit on the size of files stands for a disk without room.
  const script = `const { execFileSync } = await import('node:child_process')
    const { IndexStore } = await import(${JSON.stringify(new URL('../../ledger/index-store.js', import.meta.url).href)})
    let unhandled = 0
    process.on('SIGXFSZ', () => undefined)
    process.on('unhandledRejection', () => unhandled++)
    const store = new IndexStore(${JSON.stringify(t.testdir({}))})
    store.initialise({ size: 0, root: '', time: 0 })
    store.changeLease(() => ({ epoch: 1, holder: {}, renewed: 0 }))
    execFileSync('prlimit', ['--fsize=400000', '--pid', String(process.pid)])
    let size = 0, failure
    while (failure === undefined && size < 500) {
      const tiles = [{ level: 0, index: size, hashes: Buffer.alloc(8192) }]
      const checkpoint = { size: size + 1, root: '', time: 0 }
      await store.commit({ epoch: 1, from: size, checkpoint, entries: [], tiles }).then(
        () => size++,
        (error) => (failure = error),
      )
    }
    const { writeSync } = await import('node:fs')
    writeSync(1, JSON.stringify({ failed: failure instanceof Error, unhandled, recorded: store.checkpoint.size === size }))
    process.exit(0)`
  const out = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
    stdio: 'pipe',
  })
  t.same(JSON.parse(out.toString()), { failed: true, unhandled: 0, recorded: true })
})
