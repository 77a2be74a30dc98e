import t from 'tap'
import fc from 'fast-check'
import { canonicalBytes, canonicalize } from '../../proofs/canonical-json.js'
import { ACTION_LIMITS, parseCanonical } from '../../proofs/canonical-parser.js'
import { ProofError } from '../../proofs/errors.js'
import { damage, growth, randomSource } from './random.js'

const parse = (text: string) => parseCanonical(Buffer.from(text))

const key = fc.stringMatching(/^[a-z0-9_]{1,8}$/)
const profileValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

void t.test('every value of the profile comes back from its canonical form', async (t) => {
  fc.assert(
    fc.property(profileValue, (value) => {
      const bytes = canonicalBytes(value)
      const again = parseCanonical(bytes)
      return canonicalize(again) === canonicalize(value) && Buffer.compare(canonicalBytes(again), bytes) === 0
    }),
    { numRuns: 1500, seed: 7 },
  )
  t.pass('1500 values')
})

void t.test('damaged bytes are either canonical as they are or refused with a code', async (t) => {
  const random = randomSource(8)
  const good = canonicalBytes({
    a: [1, -2, 0, true, false, 'x\n"\\', 'é😀\u0001'],
    b: { c_1: {}, d: [] },
    z9: 9_007_199_254_740_991,
  })
  let accepted = 0
  for (let i = 0; i < 20_000; i++) {
    const bytes = damage(good, random)
    try {
      const value = parseCanonical(bytes)
      if (Buffer.compare(canonicalBytes(value), bytes) !== 0)
        t.fail(`repaired: ${Buffer.from(bytes).toString()}`)
      // An independent reader must see the same document.
      t.same(value, JSON.parse(Buffer.from(bytes).toString()))
      accepted++
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      if (!['not_canonical', 'duplicate_key'].includes(error.machineCode)) t.fail(error.machineCode)
    }
  }
  t.ok(accepted < 20_000, `${accepted} accepted`)
})

void t.test('what the platform reads as another document is never accepted', async (t) => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), (text) => {
      try {
        const value = parse(text)
        return canonicalize(value) === text
      } catch (error) {
        return error instanceof ProofError
      }
    }),
    { numRuns: 2000, seed: 9 },
  )
  t.pass('2000 texts')
})

void t.test('bounds of bytes, depth and integers are exact', async (t) => {
  const limits = { maxBytes: 10, maxDepth: 2 }
  t.equal(parseCanonical(Buffer.from('"12345678"'), limits), '12345678')
  t.throws(() => parseCanonical(Buffer.from('"123456789"'), limits), { code: 'TOO_LARGE' })
  t.same(parseCanonical(Buffer.from('[{}]'), limits), [{}])
  t.throws(() => parseCanonical(Buffer.from('[[{}]]'), limits), { code: 'NOT_CANONICAL' })
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  t.ok(parse(nested(ACTION_LIMITS.maxDepth)))
  t.throws(() => parse(nested(ACTION_LIMITS.maxDepth + 1)), { code: 'NOT_CANONICAL' })
  t.throws(() => parse('['.repeat(50_000)), { code: 'NOT_CANONICAL' }, 'a bomb of brackets')
  t.ok(parseCanonical(Buffer.from(`"${'x'.repeat(59_998)}"`)))
  t.throws(() => parseCanonical(Buffer.from(`"${'x'.repeat(59_999)}"`)), { code: 'TOO_LARGE' })
  t.equal(parse('9007199254740991'), Number.MAX_SAFE_INTEGER)
  t.equal(parse('-9007199254740991'), Number.MIN_SAFE_INTEGER)
  t.throws(() => parse('9007199254740993'), { code: 'NOT_CANONICAL' })
})

void t.test('the key __proto__ is a member and no prototype', async (t) => {
  const value = parse('{"__proto__":{"polluted":1}}')
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.ok(Object.hasOwn(value as object, '__proto__'))
  t.equal(({} as { polluted?: number }).polluted, undefined)
  t.throws(() => parse('{"__proto__":1,"__proto__":2}'), { code: 'DUPLICATE_KEY' })
  t.ok(parse('{"constructor":1,"hasownproperty":2}'))
})

void t.test('a duplicate key is named even where sorting is lost', async (t) => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"b":1,"a":1,"b":1}',
    '{"c":1,"a":1,"b":1,"a":1}',
    '{"a":1,"b":1,"a":1,"c":1}',
    '[{"x":{"a":[],"a":[]}}]',
    '{"a":1, "a":2}',
    '{"\\u0061":1,"a":2}',
    '{"é":1,"é":2}',
  ])
    t.throws(() => parse(text), { code: 'DUPLICATE_KEY' }, text)
  t.throws(() => parse('{"b":1,"a":1}'), { code: 'NOT_CANONICAL' })
})

void t.test('parsing is linear', async (t) => {
  const limits = { maxBytes: 10_000_000, maxDepth: 8 }
  const run = (text: string) => {
    const bytes = Buffer.from(text)
    return () => {
      try {
        parseCanonical(bytes, limits)
      } catch {
        return
      }
    }
  }
  const keys = (n: number) => Array.from({ length: n }, (_, i) => `"k${String(i).padStart(9, '0')}":1`)
  t.ok(growth((n) => run(`"${'\\n'.repeat(n)}"`), 30_000) < 10, 'escapes')
  t.ok(growth((n) => run(`"${'x'.repeat(n)}`), 200_000) < 10, 'a string without end')
  t.ok(growth((n) => run('9'.repeat(n)), 200_000) < 10, 'digits')
  t.ok(growth((n) => run(`{${keys(n).join(',')}}`), 5_000) < 12, 'sorted keys')
  t.ok(growth((n) => run(`{${keys(n).toReversed().join(',')}}`), 5_000) < 12, 'keys in reverse')
  t.ok(growth((n) => run(`${' '.repeat(n)}1`), 200_000) < 10, 'white space')
  t.ok(growth((n) => run(`[${'1,'.repeat(n)}1]`), 30_000) < 10, 'items')
})
