import t from 'tap'
import { parseEquivocationProof, verifyEquivocationProof } from '../../../proofs/equivocation-proof.js'
import { decodeVkey } from '../../../proofs/note-key.js'
import { findConflict } from '../../../ledger/witnessing/conflict.js'
import { SampleTree } from '../witness/sample-tree.js'

const log = new SampleTree()
const source = (size: number) => ({
  identity: { origin: log.origin, vkey: log.vkey, signer: log.signer },
  published: { size, root: log.root(size), note: log.checkpoint(size), time: 0 },
  consistency: (from: number, to: number) => log.proof(from, to),
  rootAt: (at: number) => log.root(at),
})

void t.test('a checkpoint of another history convicts the key that signed it', async (t) => {
  for (const size of [3, 9]) {
    const found = findConflict(log.checkpoint(size, 'fork'), source(9))
    t.equal(found?.size, size)
    const proof = parseEquivocationProof(found!.proof)
    t.match(verifyEquivocationProof(proof, [decodeVkey(log.vkey)]), { origin: log.origin, size })
  }
})

void t.test('one of this history, or of a larger tree, does not', async (t) => {
  t.equal(findConflict(log.checkpoint(3), source(9)), undefined)
  t.equal(findConflict(log.checkpoint(9), source(9)), undefined)
  t.equal(findConflict(log.checkpoint(0), source(9)), undefined)
  t.equal(findConflict(log.checkpoint(12, 'fork'), source(9)), undefined)
  t.throws(() => findConflict(new SampleTree().checkpoint(3), source(9)), { code: 'UNKNOWN_KEY' })
})
