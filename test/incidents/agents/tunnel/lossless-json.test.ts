import t from 'tap'
import fc from 'fast-check'
import {
  formatLosslessJson,
  parseLosslessJson,
  toLosslessJson,
} from '../../../../incidents/agents/tunnel/lossless-json.js'
import { damage, growth, randomSource } from '../../../proofs/random.js'

const again = (text: string) => formatLosslessJson(parseLosslessJson(text))

void t.test('keys are sorted by their bytes, not as numbers and not by UTF-16', async (t) => {
  t.equal(again('{"9":1,"10":2,"b":3,"B":4}'), '{"10":2,"9":1,"B":4,"b":3}')
  // U+FFFF is before U+1F600 in UTF-8 and behind it in UTF-16.
  t.equal(again('{"😀":1,"\uffff":2,"é":3,"z":4}'), '{"z":4,"é":3,"\uffff":2,"😀":1}')
  t.equal(again('{"b":{"d":1,"c":[{"y":1,"x":2}]},"a":null}'), '{"a":null,"b":{"c":[{"x":2,"y":1}],"d":1}}')
  t.equal(again('{"__proto__":1,"":2}'), '{"":2,"__proto__":1}')
})

void t.test('numbers keep the digits that they came with', async (t) => {
  for (const number of [
    '1.0',
    '-0',
    '-0.0',
    '1e2',
    '1E+2',
    '18446744073709551615',
    '0.10',
    '123456789012345678901234567890',
  ])
    t.equal(again(`[${number}]`), `[${number}]`)
})

void t.test('strings are written with the shortest escapes and raw characters beyond ASCII', async (t) => {
  t.equal(again(String.raw`"\u00e9\ud83d\ude00\/\u0041\u001f\u007f\b"`), `"é😀/A\\u001f\u007f\\b"`)
})

void t.test('what two readers could understand differently is refused', async (t) => {
  const refused = [
    '{"a":1,"a":1}',
    String.raw`{"a":1,"\u0061":2}`,
    '{"a":{"b":1,"b":2}}',
    String.raw`"\ud800"`,
    String.raw`"\udc00\ud800"`,
    '"\ud800"',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    'NaN',
    'nulll',
    'tru',
    '{}{}',
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "'a'",
    '"a',
    '"\n"',
    String.raw`"\x41"`,
    String.raw`"\u12g4"`,
    '\u00a0[]',
    '['.repeat(65) + ']'.repeat(65),
  ]
  for (const text of refused) t.throws(() => parseLosslessJson(text), { code: 'TUNNEL_ENVELOPE' }, text)
  t.doesNotThrow(() => parseLosslessJson('['.repeat(64) + ']'.repeat(64)))
})

void t.test('only what is the same for every reader is sent', async (t) => {
  t.equal(
    formatLosslessJson(toLosslessJson({ b: 1, a: [true, 'é', -0], c: undefined })),
    '{"a":[true,"é",0],"b":1}',
  )
  for (const value of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '\ud800'])
    t.throws(() => toLosslessJson({ value }), RangeError)
})

void t.test('every JSON value comes back the same', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const text = JSON.stringify(value)
      const written = again(text)
      t.strictSame(JSON.parse(written), JSON.parse(text))
      return again(written) === written
    }),
    { numRuns: 500, seed: 3 },
  )
})

void t.test('hostile bytes are read as JSON.parse reads them or refused with our code', async (t) => {
  const random = randomSource(5)
  const good = Buffer.from('{"id":"a","n":[1,-2.5e3,true,null],"o":{"é😀":"\\u0041\\n"},"z":""}')
  for (let i = 0; i < 3000; i++) {
    const text = Buffer.from(damage(good, random)).toString('utf8')
    try {
      const written = again(text)
      t.strictSame(JSON.parse(written), JSON.parse(text))
    } catch (error) {
      if ((error as { code?: string }).code !== 'TUNNEL_ENVELOPE') throw error
    }
  }
})

void t.test('reading and writing are linear', async (t) => {
  const run = (text: string) => () => {
    try {
      again(text)
    } catch {
      return
    }
  }
  const keys = (n: number) => Array.from({ length: n }, (_, i) => `"k${(i * 7919) % n}":1`)
  t.ok(growth((n) => run(`"${'\\n'.repeat(n)}"`), 10_000) < 10, 'escapes')
  t.ok(growth((n) => run(`"${'x'.repeat(n)}`), 100_000) < 10, 'a string without end')
  t.ok(growth((n) => run('9'.repeat(n)), 100_000) < 10, 'digits')
  t.ok(growth((n) => run(`${'1.'.repeat(n)}`), 100_000) < 10, 'points')
  t.ok(growth((n) => run(`{${keys(n).join(',')}}`), 5000) < 12, 'keys')
  t.ok(growth((n) => run(`${' '.repeat(n)}1`), 100_000) < 10, 'white space')
  t.ok(growth((n) => run(`[${'1,'.repeat(n)}1]`), 20_000) < 10, 'items')
  t.ok(growth((n) => run('['.repeat(n)), 100_000) < 10, 'containers')
})
