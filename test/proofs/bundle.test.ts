import t from 'tap'
import { readFileSync } from 'node:fs'
import {
  formatSessionBundle,
  isSessionBundle,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_ENTRIES,
  parseSessionBundle,
} from '../../proofs/bundle.js'
import { ProofError } from '../../proofs/errors.js'
import { verifyBundle } from '../../proofs/verify.js'
import { damage, growth, randomSource } from './random.js'
import { bundleBytes, bundleOf, sessionLog } from './sample-session.js'

interface Vector {
  name: string
  policy: string
  bundle: string
}
const vectors = JSON.parse(readFileSync(new URL('vectors/bundles.json', import.meta.url), 'utf8')) as {
  accept: (Vector & { state: string; entries: number })[]
  reject: (Vector & { code: string })[]
}

void t.test('frozen session bundles verify for ever', async (t) => {
  for (const { name, policy, bundle, state, entries } of vectors.accept) {
    const bytes = Buffer.from(bundle)
    t.match(verifyBundle(bytes, policy), { ok: true, session: { state, entries } }, name)
    t.same(formatSessionBundle(parseSessionBundle(bytes)), bytes, `${name} is written as it was read`)
  }
  t.equal(vectors.accept.length, 4, 'all vectors ran')
})

void t.test('frozen bad session bundles are refused with their code', async (t) => {
  for (const { name, policy, bundle, code } of vectors.reject)
    t.match(verifyBundle(Buffer.from(bundle), policy), { ok: false, code }, name)
  t.equal(vectors.reject.length, 15, 'all vectors ran')
})

void t.test('a bundle comes back as it was, with where it was cut', async (t) => {
  const bundle = bundleOf(sessionLog(), [1, 2], { from: 1, next: 4 })
  const read = parseSessionBundle(formatSessionBundle(bundle))
  t.match(read, { session: bundle.session, from: 1, next: 4 })
  t.same(
    read.entries.map(({ index }) => index),
    [1, 2],
  )
  t.ok(isSessionBundle(formatSessionBundle(bundle)))
  t.notOk(isSessionBundle(Buffer.from('{"format":"portcullis.dev/receipt/v1"}\n')))
})

void t.test('members of a wrong type, size or order are refused by name', async (t) => {
  const object = JSON.parse(Buffer.from(bundleBytes(sessionLog())).toString()) as Record<string, unknown>
  const canonical = (value: Record<string, unknown>) => {
    const sorted = Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    return Buffer.from(`${JSON.stringify(sorted)}\n`)
  }
  const entry = { entry: '', index: 1 }
  const wrong: Record<string, Record<string, unknown>> = {
    'bundle.entries is not a list': { entries: {} },
    'bundle.entries is empty': { entries: [] },
    'bundle.entries\\[1\\].index is not above': { entries: [entry, entry] },
    'bundle.entries\\[0\\].index is not a number': { entries: [{ entry: '', index: -1 }] },
    'bundle.entries\\[0\\].entry is not canonical': { entries: [{ entry: '!', index: 1 }] },
    'bundle.entries\\[0\\] is not an object': { entries: ['x'] },
    'bundle.entries\\[0\\].key is not known': { entries: [{ ...entry, key: 'x' }] },
    'bundle.session is not the name': { session: 'Not a name' },
    'bundle.format is not': { format: 'portcullis.dev/bundle/v9' },
    'bundle.proof\\[0\\] is not a hash': { proof: ['AAAA'] },
    'bundle.checkpoint is too long': { checkpoint: 'x'.repeat(140_000) },
    'bundle.next is not a number': { next: 'x' },
    'bundle.from is not a number': { from: -1 },
    'bundle.other is not known': { other: 1 },
  }
  for (const [name, change] of Object.entries(wrong))
    t.throws(() => parseSessionBundle(canonical({ ...object, ...change })), {
      code: 'MALFORMED_BUNDLE',
      message: new RegExp(name),
    })
  const many = Array.from({ length: MAX_BUNDLE_ENTRIES + 1 }, (_, index) => ({ entry: '', index }))
  t.throws(() => parseSessionBundle(canonical({ ...object, entries: many })), { code: 'MALFORMED_BUNDLE' })
  t.throws(() => parseSessionBundle(Buffer.alloc(MAX_BUNDLE_BYTES + 2, 0x0a)), { code: 'TOO_LARGE' })
  t.throws(() => formatSessionBundle(bundleOf(sessionLog(), [1], { checkpoint: Buffer.of(0xff) })), {
    code: 'MALFORMED_BUNDLE',
  })
})

void t.test('hostile bundles only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(102)
  const good = bundleBytes(sessionLog())
  for (let i = 0; i < 2000; i++) {
    const bytes = damage(good, random)
    try {
      if (Buffer.compare(formatSessionBundle(parseSessionBundle(bytes)), bytes) !== 0) t.fail('repaired')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (text: string) => {
    const bytes = Buffer.from(text)
    return () => t.throws(() => parseSessionBundle(bytes), ProofError)
  }
  t.ok(growth((n) => refuse(`{"entries":[${'{"entry":"","index":1},'.repeat(n)}1]}\n`), 5_000) < 10)
  t.ok(growth((n) => refuse(`{"session":"${'a'.repeat(n)}"}\n`), 100_000) < 10)
})
