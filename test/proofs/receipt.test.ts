import t from 'tap'
import { readFileSync } from 'node:fs'
import { ProofError } from '../../proofs/errors.js'
import { formatReceipt, MAX_RECEIPT_BYTES, parseReceipt } from '../../proofs/receipt.js'
import { verifyBundle } from '../../proofs/verify.js'
import { damage, growth, randomSource } from './random.js'
import { inlineReceipt, sampleLog, sealedReceipt } from './sample-log.js'

interface Vector {
  name: string
  policy: string
  receipt: string
}
const vectors = JSON.parse(readFileSync(new URL('vectors/receipts.json', import.meta.url), 'utf8')) as {
  accept: (Vector & { index: number; signature: string })[]
  reject: (Vector & { code: string })[]
}

void t.test('frozen receipts verify for ever', async (t) => {
  let run = 0
  for (const { name, policy, receipt, index, signature } of vectors.accept) {
    const bytes = Buffer.from(receipt)
    const verdict = verifyBundle(bytes, policy)
    t.equal(verdict.ok, true, name)
    t.equal(verdict.index, index)
    t.equal(verdict.signature?.type, signature)
    t.same(formatReceipt(parseReceipt(bytes)), bytes, `${name} is written as it was read`)
    run++
  }
  t.equal(run, 6, 'all vectors ran')
})

void t.test('frozen bad receipts are refused with their code', async (t) => {
  let run = 0
  for (const { name, policy, receipt, code } of vectors.reject) {
    const verdict = verifyBundle(Buffer.from(receipt), policy)
    t.equal(verdict.ok, false, name)
    t.equal(verdict.code, code, name)
    run++
  }
  t.equal(run, 16, 'all vectors ran')
})

void t.test('a receipt comes back as it was', async (t) => {
  const log = sampleLog()
  for (const receipt of [inlineReceipt(log, 0), sealedReceipt(log, 4)]) {
    const read = parseReceipt(formatReceipt(receipt))
    t.same(Buffer.from(read.entry), Buffer.from(receipt.entry))
    t.same(read.checkpoint, receipt.checkpoint)
    t.equal(read.seal === undefined, receipt.seal === undefined)
    t.same(formatReceipt(read), formatReceipt(receipt))
  }
})

void t.test('members of a wrong type, size or number are refused by name', async (t) => {
  const text = Buffer.from(formatReceipt(sealedReceipt(sampleLog(), 4))).toString()
  const object = JSON.parse(text) as Record<string, unknown>
  const canonical = (value: Record<string, unknown>) => {
    const sorted = Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    return Buffer.from(`${JSON.stringify(sorted)}\n`)
  }
  const hash = 'A'.repeat(43) + '='
  const wrong: Record<string, Record<string, unknown>> = {
    'receipt.entry': { entry: 1 },
    'receipt.entry is not canonical': { entry: 'A' },
    'receipt.entry is too long': { entry: Buffer.alloc(65_536).toString('base64') },
    'receipt.index': { index: -1 },
    'receipt.index is not': { index: '1' },
    'receipt.proof': { proof: {} },
    'receipt.proof is not': { proof: Array.from({ length: 65 }, () => hash) },
    'receipt.proof\\[0\\]': { proof: ['AAAA'] },
    'receipt.proof\\[1\\]': { proof: [hash, 1] },
    'receipt.seal': { seal: [] },
    'receipt.seal.entry': { seal: {} },
    'receipt.format': { format: 'portcullis.dev/receipt/v9' },
    'receipt.checkpoint': { checkpoint: 'x'.repeat(140_000) },
    'receipt.extra': { extra: 1 },
  }
  for (const [name, change] of Object.entries(wrong))
    t.throws(() => parseReceipt(canonical({ ...object, ...change })), {
      code: 'MALFORMED_RECEIPT',
      message: new RegExp(name),
    })
  for (const key of ['checkpoint', 'entry', 'format', 'index', 'proof']) {
    const { [key]: _, ...rest } = object
    t.throws(() => parseReceipt(canonical(rest)), { code: 'MALFORMED_RECEIPT' }, `without ${key}`)
  }
  t.throws(() => parseReceipt(Buffer.from('[]\n')), { code: 'MALFORMED_RECEIPT' })
  t.throws(() => parseReceipt(Buffer.alloc(MAX_RECEIPT_BYTES + 2, 0x0a)), { code: 'TOO_LARGE' })
  t.throws(() => formatReceipt({ ...inlineReceipt(sampleLog(), 0), checkpoint: Buffer.of(0xff) }), {
    code: 'MALFORMED_RECEIPT',
  })
  t.throws(() => formatReceipt({ ...inlineReceipt(sampleLog(), 0), entry: Buffer.alloc(65_536) }), {
    code: 'MALFORMED_RECEIPT',
  })
})

void t.test('hostile receipts only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(101)
  const good = formatReceipt(sealedReceipt(sampleLog(), 6))
  for (let i = 0; i < 3000; i++) {
    const bytes = damage(good, random)
    try {
      if (Buffer.compare(formatReceipt(parseReceipt(bytes)), bytes) !== 0) t.fail('repaired')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (text: string) => {
    const bytes = Buffer.from(text)
    return () => {
      try {
        parseReceipt(bytes)
      } catch {
        return
      }
    }
  }
  t.ok(growth((n) => refuse(`{"proof":[${'"A",'.repeat(n)}"A"]}\n`), 5_000) < 10)
  t.ok(growth((n) => refuse(`{"entry":"${'A'.repeat(n)}"}\n`), 100_000) < 10)
})
