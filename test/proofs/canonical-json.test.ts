import t from 'tap'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { canonicalBytes, canonicalize, isCanonicalObject } from '../../proofs/canonical-json.js'
import { filesBelow, readJson, vectorFolder } from './vector-data.js'

void t.test('public vectors of RFC 8785', async (t) => {
  const folder = vectorFolder('jcs')
  if (folder === undefined) {
    t.plan(0, 'skipped: no data')
    return
  }
  let run = 0
  for (const file of filesBelow(join(folder, 'testdata/input'), '.json')) {
    const name = basename(file, '.json')
    const expected = readFileSync(join(folder, 'testdata/output', `${name}.json`))
    const hex = readFileSync(join(folder, 'testdata/outhex', `${name}.txt`), 'utf8')
    const bytes = Buffer.from(canonicalBytes(readJson(file)))
    t.same(bytes, expected, name)
    t.same(bytes, Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'), `${name} in hexadecimal`)
    run++
  }
  t.equal(run, 6, 'all vectors ran')
})

void t.test('numbers are written as RFC 8785 appendix B has them', async (t) => {
  const bits = (hex: string) => Buffer.from(hex, 'hex').readDoubleBE(0)
  const table: [string, string][] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ]
  for (const [hex, text] of table) t.equal(canonicalize(bits(hex)), text, hex)
})

void t.test('keys are sorted by UTF-16 code units', async (t) => {
  t.equal(
    canonicalize({ '\ufb33': 1, '😀': 2, b: 3, a: 4, 10: 5, 9: 6 }),
    '{"10":5,"9":6,"a":4,"b":3,"😀":2,"\ufb33":1}',
  )
})

void t.test(
  'strings are escaped as ECMAScript does, whatever they hold and however long they are',
  async (t) => {
    for (let code = 0; code < 0x180; code++) {
      const char = String.fromCharCode(code)
      for (const text of [char, `a${char}z`, `${'a'.repeat(255)}${char}`, `${'a'.repeat(256)}${char}`])
        if (canonicalize(text) !== JSON.stringify(text))
          t.fail(`U+${code.toString(16)} in ${text.length} characters`)
    }
    t.equal(canonicalize({ 'a"b': '\u2028' }), '{"a\\"b":"\u2028"}')
  },
)

void t.test('what has no JSON form is refused, never dropped or converted', async (t) => {
  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  let deep: unknown = 0
  for (let i = 0; i < 600; i++) deep = [deep]
  const wrong: Record<string, unknown> = {
    undefined,
    'undefined in an object': { a: undefined },
    'a hole': Object.assign([], { 1: 1 }),
    NaN: Number.NaN,
    infinity: [Number.POSITIVE_INFINITY],
    bigint: 1n,
    symbol: Symbol('x'),
    function: () => 1,
    'a date, although it has toJSON': new Date(0),
    map: new Map(),
    'typed array': new Uint8Array(2),
    'class instance': new (class A {})(),
    'boxed string': Object('x') as unknown,
    'lone high surrogate': '\ud800',
    'lone low surrogate': ['x\udc00y'],
    'lone surrogate in a key': { '\ud83d': 1 },
    cyclic,
    deep,
  }
  for (const [name, value] of Object.entries(wrong))
    t.throws(() => canonicalize(value), { code: 'NOT_CANONICAL' }, name)
  t.throws(() => canonicalize({ a: [{ b: undefined }] }), /\$\.a\[0\]\.b/, 'it names the place')
  t.throws(() => canonicalize({ a: [1, { b: 2 }, '\ud800'], c: 1 }), /^\$\.a\[2\]: /, 'and not one before it')
})

void t.test('toJSON and inherited members play no part', async (t) => {
  t.throws(() => canonicalize({ toJSON: () => 'x', a: 1 }), { code: 'NOT_CANONICAL' })
  const bare = Object.assign(Object.create(null) as object, { a: 1 })
  t.equal(canonicalize(bare), '{"a":1}')
  t.equal(canonicalize(JSON.parse('{"__proto__":1}')), '{"__proto__":1}')
  t.ok(isCanonicalObject({}))
  t.notOk(isCanonicalObject([]))
  t.notOk(isCanonicalObject('x'))
})
