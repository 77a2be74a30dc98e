import { chmod, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { formatEquivocationProof } from '../../../proofs/equivocation-proof.js'
import { decodeVkey } from '../../../proofs/note-key.js'
import { Equivocations } from '../../../ledger/witnessing/equivocations.js'
import { SampleTree } from '../witness/sample-tree.js'

const log = new SampleTree()
const keys = [decodeVkey(log.vkey)]
const proof = (story: string): Uint8Array =>
  formatEquivocationProof({ first: log.checkpoint(4), second: log.checkpoint(4, story) })

void t.test('a proof is kept once, privately, and still there later', async (t) => {
  const folder = join(t.testdir(), 'equivocations')
  const kept = await Equivocations.open(folder, keys)
  t.equal(await kept.keep(proof('one')), true)
  t.equal(await kept.keep(proof('one')), false)
  t.equal(await kept.keep(proof('two')), true)
  const files = await readdir(folder)
  t.equal(files.length, 2)
  t.equal((await stat(join(folder, files[0]!))).mode & 0o777, 0o600)
  const again = await Equivocations.open(folder, keys)
  t.equal(again.count, 2)
  t.equal(await again.keep(proof('two')), false)
  t.same(
    again
      .all()
      .map((one) => Buffer.from(one).toString())
      .toSorted(),
    [proof('one'), proof('two')].map((one) => Buffer.from(one).toString()).toSorted(),
  )
})

void t.test('a hundred are enough', async (t) => {
  const kept = await Equivocations.open(join(t.testdir(), 'equivocations'), keys)
  for (let i = 0; i < 110; i++) await kept.keep(proof(`story ${i}`))
  t.equal(kept.count, 100)
})

void t.test('a file that convicts nobody is not passed over', async (t) => {
  const folder = join(t.testdir(), 'equivocations')
  await Equivocations.open(folder, keys)
  const innocent = formatEquivocationProof({ first: log.checkpoint(4), second: log.checkpoint(4) })
  const file = join(folder, `${'0'.repeat(64)}.json`)
  await writeFile(file, innocent)
  await chmod(file, 0o600)
  await t.rejects(Equivocations.open(folder, keys), { code: 'MALFORMED_PROOF' })
})
