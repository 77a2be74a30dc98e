import t from 'tap'
import { formatAddCheckpoint, parseAddCheckpoint } from '../../proofs/add-checkpoint.js'
import { encodeBase64 } from '../../proofs/base64.js'
import { ProofError } from '../../proofs/errors.js'
import { damage, growth, randomSource } from './random.js'
import { sampleLog } from './sample-log.js'

const log = sampleLog()
const request = { oldSize: 6, proof: log.consistency(6), checkpoint: log.checkpoint() }
const text = Buffer.from(formatAddCheckpoint(request)).toString()
const hash = encodeBase64(request.proof[0]!)

void t.test('a request has one spelling, which reads back', async (t) => {
  t.same(parseAddCheckpoint(Buffer.from(text)), {
    oldSize: 6,
    proof: request.proof.map((one) => Buffer.from(one)),
    checkpoint: Buffer.from(request.checkpoint),
  })
  const first = Buffer.from(formatAddCheckpoint({ ...request, oldSize: 0, proof: [] }))
  t.match(first.toString(), /^old 0\n\nlog\.example\//)
  t.match(parseAddCheckpoint(first), { oldSize: 0, proof: [] })
})

void t.test('63 hashes are the most', async (t) => {
  const many = (count: number) =>
    formatAddCheckpoint({ ...request, proof: Array(count).fill(request.proof[0]) })
  t.equal(parseAddCheckpoint(many(63)).proof.length, 63)
  t.throws(() => parseAddCheckpoint(many(64)), { code: 'MALFORMED_PROOF' })
})

void t.test('another spelling is refused', async (t) => {
  const wrong: Record<string, string> = {
    nothing: '',
    'no old line': text.slice(text.indexOf('\n') + 1),
    'a sign': text.replace('old 6', 'old +6'),
    'a leading zero': text.replace('old 6', 'old 06'),
    'two spaces': text.replace('old 6', 'old  6'),
    'no number': text.replace('old 6', 'old '),
    'a number beyond 2^53': text.replace('old 6', 'old 9007199254740992'),
    'a short hash': text.replace(hash, hash.slice(4)),
    'a hash without padding': text.replace(hash, hash.slice(0, -1)),
    'no empty line': 'old 6\n',
    'carriage returns': text.replaceAll('\n', '\r\n'),
  }
  for (const [name, value] of Object.entries(wrong))
    t.throws(() => parseAddCheckpoint(Buffer.from(value)), { code: /^MALFORMED_(PROOF|NOTE)$/ }, name)
  t.throws(() => parseAddCheckpoint(Buffer.alloc(1_000_001)), { code: 'TOO_LARGE' })
})

void t.test('hostile requests only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(82)
  for (let i = 0; i < 3000; i++) {
    const bytes = damage(Buffer.from(text), random)
    try {
      const read = parseAddCheckpoint(bytes)
      if (Buffer.compare(formatAddCheckpoint(read), bytes) !== 0) t.fail('repaired')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (content: string) => {
    const bytes = Buffer.from(content)
    return () => {
      try {
        parseAddCheckpoint(bytes)
      } catch {
        return
      }
    }
  }
  t.ok(growth((n) => refuse(`old 1${'\na'.repeat(n)}\n\n`), 30_000) < 10)
  t.ok(growth((n) => refuse('a'.repeat(n)), 100_000) < 10)
})
