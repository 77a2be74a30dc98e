import t from 'tap'
import { generateSeed } from '../../../proofs/ed25519.js'
import { cosigner, encodeVkey, noteSigner } from '../../../proofs/note-key.js'
import { parsePolicy } from '../../../proofs/policy.js'
import { parseNote } from '../../../proofs/signed-note.js'
import { believeWitnessed, witnessedCheckpoint } from '../../../ledger/witnessing/witnessed-checkpoint.js'
import { SampleTree } from '../witness/sample-tree.js'

const log = new SampleTree()
const TIME = 1_700_000_000_000
const [one, two] = ['one', 'two'].map((name) => cosigner(noteSigner(name, generateSeed()), () => TIME))
const policyOf = (quorum: string) =>
  parsePolicy(
    `witness 1 ${encodeVkey(one!)}\nwitness 2 ${encodeVkey(two!)}\ngroup both all 1 2\nquorum ${quorum}\n`,
  )

const published = (size: number) => ({
  size,
  root: log.root(size),
  note: log.checkpoint(size),
  time: 0,
})

/** A log as far as this is concerned. */
const source = (size: number, story?: string) => ({
  identity: { origin: log.origin, vkey: log.vkey, signer: log.signer },
  published: published(size),
  consistency: (from: number, to: number) => log.proof(from, to),
  rootAt: (at: number) => log.root(at, story),
})

function cosigned(size: number) {
  const { textBytes } = parseNote(log.checkpoint(size))
  const lines = [one!, two!].map(
    (key, i) =>
      [String(i + 1), { name: key.name, keyId: key.keyId, signature: key.sign(textBytes) }] as const,
  )
  return witnessedCheckpoint(published(size), new Map(lines))
}

void t.test('what was kept is taken up again, as far as the policy goes', async (t) => {
  const made = cosigned(7)
  t.match({ size: made.size, time: made.time }, { size: 7, time: TIME })
  const read = believeWitnessed(made.note, policyOf('both'), source(9))
  t.same(Buffer.from(read!.note), Buffer.from(made.note))
  t.same([...read!.cosignatures.keys()].toSorted(), ['1', '2'])
  const other = cosigner(noteSigner('three', generateSeed()), () => TIME)
  const stricter = parsePolicy(`witness 3 ${encodeVkey(other)}\nquorum 3\n`)
  t.equal(believeWitnessed(made.note, stricter, source(9)), undefined, 'another quorum')
})

void t.test('what is of another history, or damaged, is not believed', async (t) => {
  const { note } = cosigned(7)
  t.throws(() => believeWitnessed(note, policyOf('both'), source(9, 'fork')), /another history/)
  t.throws(() => believeWitnessed(note, policyOf('both'), source(6)), /another history/)
  t.throws(() => believeWitnessed(Buffer.from('nonsense'), policyOf('both'), source(9)), {
    code: 'MALFORMED_NOTE',
  })
})
