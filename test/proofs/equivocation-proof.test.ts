import t from 'tap'
import { signCheckpoint } from '../../proofs/checkpoint.js'
import {
  formatEquivocationList,
  formatEquivocationProof,
  parseEquivocationProof,
  verifyEquivocationProof,
} from '../../proofs/equivocation-proof.js'
import { ProofError } from '../../proofs/errors.js'
import { leafHash } from '../../proofs/hashing.js'
import { decodeVkey, encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { damage, growth, randomSource } from './random.js'
import { logKey, origin, sampleLog, SampleLog, seedOf } from './sample-log.js'

const keys = [decodeVkey(encodeVkey(logKey))]
const log = sampleLog()
const size = log.entries.length
const other = leafHash(Buffer.from('other'))
const sign = (size: number, root: Uint8Array) => signCheckpoint({ origin, size, root }, [logKey])
const before = new SampleLog()
for (const entry of log.entries.slice(0, 6)) before.add(entry)

const sameSize = { first: log.checkpoint(), second: sign(size, other) }
const twoSizes = {
  first: sign(6, other),
  second: log.checkpoint(),
  fork: { root: before.root, proof: log.consistency(6) },
}

void t.test('two roots of one size convict, also when one of them is only proven', async (t) => {
  for (const proof of [sameSize, twoSizes]) {
    const read = parseEquivocationProof(formatEquivocationProof(proof))
    t.same(Buffer.from(formatEquivocationProof(read)), Buffer.from(formatEquivocationProof(proof)))
  }
  t.same(verifyEquivocationProof(sameSize, keys), { origin, size, roots: [log.root, other] })
  t.same(verifyEquivocationProof(twoSizes, keys), { origin, size: 6, roots: [other, before.root] })
  const list = formatEquivocationList([sameSize, twoSizes].map(formatEquivocationProof))
  t.match(JSON.parse(Buffer.from(list).toString()), {
    equivocations: [{ format: 'portcullis.dev/equivocation/v1' }, { root: String }],
  })
})

void t.test('what can both be true convicts nobody', async (t) => {
  const innocent = {
    'the same twice': { first: log.checkpoint(), second: log.checkpoint() },
    'two sizes without a proof': { first: sign(6, other), second: log.checkpoint() },
    'honest growth': { ...twoSizes, first: before.checkpoint() },
    'a proof of another size': { ...twoSizes, fork: { ...twoSizes.fork, proof: log.consistency(5) } },
    'a root that is not proven': {
      ...twoSizes,
      fork: { ...twoSizes.fork, root: leafHash(Buffer.from('x')) },
    },
    'no proof at all': { ...twoSizes, fork: { root: before.root, proof: [] } },
  }
  for (const [name, proof] of Object.entries(innocent))
    t.throws(() => verifyEquivocationProof(proof, keys), { code: 'MALFORMED_PROOF' }, name)
  const forger = noteSigner(origin, seedOf(99))
  const forged = signCheckpoint({ origin, size, root: other }, [forger])
  t.throws(() => verifyEquivocationProof({ ...sameSize, second: forged }, keys), { code: 'UNKNOWN_KEY' })
})

void t.test('there is one spelling of a proof', async (t) => {
  const text = Buffer.from(formatEquivocationProof(twoSizes)).toString()
  const wrong: Record<string, string> = {
    nothing: '',
    'no newline': text.trimEnd(),
    'a space': text.replace('{', '{ '),
    'another format': text.replace('/v1', '/v2'),
    'a member more': text.replace('{', '{"a":1,'),
    'no checkpoint': text.replace(/"first":"[^"]*"/, '"first":1'),
    'no hashes': text.replace(/"proof":\[[^\]]*\]/, '"proof":1'),
    'a root without a proof': text.replace(/"proof":\[[^\]]*\],/, ''),
    'a short hash': text.replace(/"root":"..../, '"root":"'),
  }
  for (const [name, value] of Object.entries(wrong))
    t.throws(
      () => parseEquivocationProof(Buffer.from(value)),
      { code: /^(MALFORMED_PROOF|NOT_CANONICAL)$/ },
      name,
    )
  const random = randomSource(83)
  for (let i = 0; i < 2000; i++) {
    try {
      const bytes = damage(Buffer.from(text), random)
      const read = parseEquivocationProof(bytes)
      if (Buffer.compare(formatEquivocationProof(read), bytes) !== 0) t.fail('repaired')
      verifyEquivocationProof(read, keys)
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (content: string) => {
    const bytes = Buffer.from(content)
    return () => t.throws(() => parseEquivocationProof(bytes))
  }
  t.ok(growth((n) => refuse(`{"first":"${'a'.repeat(n)}\n`), 50_000) < 10)
})
