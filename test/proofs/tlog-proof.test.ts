import t from 'tap'
import { ProofError } from '../../proofs/errors.js'
import { leafHash } from '../../proofs/merkle.js'
import { decodeVkey, encodeVkey } from '../../proofs/note-key.js'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from '../../proofs/tlog-proof.js'
import { damage, growth, randomSource } from './random.js'
import { logKey, sampleLog, witnessKeys } from './sample-log.js'

const log = sampleLog()
const keys = [decodeVkey(encodeVkey(logKey))]
const proofOf = (index: number) => ({
  index,
  proof: log.proof(index),
  checkpoint: log.checkpoint(witnessKeys),
})
const text = Buffer.from(formatTlogProof(proofOf(5))).toString()

void t.test('a proof file has the lines of the specification', async (t) => {
  const lines = text.split('\n')
  t.equal(lines[0], 'c2sp.org/tlog-proof@v1')
  t.equal(lines[1], 'index 5')
  t.equal(lines.slice(2, 6).join().length, 4 * 44 + 3, 'four hashes')
  t.equal(lines[6], '')
  t.equal(lines[7], logKey.name)
})

void t.test('proofs come back and verify, with and without extra data', async (t) => {
  for (let index = 0; index < log.entries.length; index++) {
    for (const extra of [undefined, Buffer.from('more'), Buffer.alloc(0)]) {
      const proof = { ...proofOf(index), ...(extra === undefined ? {} : { extra }) }
      const read = parseTlogProof(formatTlogProof(proof))
      t.same(formatTlogProof(read), formatTlogProof(proof))
      const signed = verifyTlogProof(read, leafHash(log.entries[index]!), keys)
      t.equal(signed.checkpoint.size, log.entries.length)
    }
  }
})

void t.test('a proof of another leaf, index or log is refused', async (t) => {
  const leaf = leafHash(log.entries[5]!)
  t.throws(() => verifyTlogProof(proofOf(4), leaf, keys), { code: 'NOT_INCLUDED' })
  t.throws(() => verifyTlogProof({ ...proofOf(5), index: 4 }, leaf, keys), { code: 'NOT_INCLUDED' })
  t.throws(() => verifyTlogProof(proofOf(5), leaf, []), { code: 'UNKNOWN_KEY' })
  t.throws(() => verifyTlogProof({ ...proofOf(5), checkpoint: Buffer.from('x') }, leaf, keys), {
    code: 'MALFORMED_NOTE',
  })
})

void t.test('malformed proof files are refused', async (t) => {
  const hash = text.split('\n')[2]!
  const wrong: Record<string, string> = {
    empty: '',
    'another version': text.replace('@v1', '@v2'),
    'no index': text.replace('index 5\n', ''),
    'a leading zero': text.replace('index 5', 'index 05'),
    'a sign': text.replace('index 5', 'index +5'),
    'a huge index': text.replace('index 5', `index ${'9'.repeat(30)}`),
    'two spaces': text.replace('index 5', 'index  5'),
    'extra after the index': text.replace('index 5\n', 'index 5\nextra AAAA\n'),
    'extra twice': text.replace('index', 'extra AAAA\nextra AAAA\nindex'),
    'extra in another spelling': text.replace('index', 'extra AAA\nindex'),
    'a short hash': text.replace(hash, hash.slice(4)),
    'a hash without padding': text.replace(hash, hash.slice(0, -1)),
    'sixty-five hashes': text.replace(hash, Array.from({ length: 65 }, () => hash).join('\n')),
    'no empty line': 'c2sp.org/tlog-proof@v1\nindex 5\n',
    'carriage returns': text.replaceAll('\n', '\r\n'),
  }
  for (const [name, value] of Object.entries(wrong))
    t.throws(() => parseTlogProof(Buffer.from(value)), { code: /^MALFORMED_(PROOF|NOTE)$/ }, name)
  t.throws(() => parseTlogProof(Buffer.alloc(1_000_001)), { code: 'TOO_LARGE' })
})

void t.test('hostile proof files only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(81)
  const leaf = leafHash(log.entries[5]!)
  for (let i = 0; i < 3000; i++) {
    const bytes = damage(Buffer.from(text), random)
    try {
      const proof = parseTlogProof(bytes)
      if (Buffer.compare(formatTlogProof(proof), bytes) !== 0) t.fail('repaired')
      verifyTlogProof(proof, leaf, keys)
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (content: string) => {
    const bytes = Buffer.from(content)
    return () => {
      try {
        parseTlogProof(bytes)
      } catch {
        return
      }
    }
  }
  t.ok(growth((n) => refuse(`c2sp.org/tlog-proof@v1\nindex 1${'\na'.repeat(n)}\n\n`), 30_000) < 10)
  t.ok(growth((n) => refuse('a'.repeat(n)), 100_000) < 10)
})
