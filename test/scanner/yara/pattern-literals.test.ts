import t from 'tap'
import { patternLiterals } from '../../../scanner/yara/pattern-literals.js'

const literals = (text: string): readonly string[] | undefined =>
  patternLiterals(text)?.map((literal) => literal.toString('latin1'))

t.test('a text stands for itself, and for each of its widths', async (t) => {
  t.strictSame(literals('"abc"'), ['abc'])
  t.strictSame(literals('"abc" fullword private'), ['abc'])
  t.strictSame(literals('"a\\x41\\\\\\"\\t\\n\\r" ascii'), ['aA\\"\t\n\r'])
  t.strictSame(literals('"ab" wide'), ['a\0b\0'])
  t.strictSame(literals('"ab" ascii wide'), ['ab', 'a\0b\0'])
})

t.test('of a hex pattern, what is in all that it is found in', async (t) => {
  t.strictSame(literals('{ 41 42 ?? 43 44 45 }'), ['CDE'])
  t.strictSame(literals('{ 41 42 4? 43 }'), ['AB'])
  t.strictSame(literals('{ 41 42 43 ( 44 45 46 47 | 48 ( 49 | 50 ) ) 51 }'), ['ABC'])
  t.strictSame(literals('{ 41 [2-4] 42 43 ~44 45 }'), ['BC'])
  t.strictSame(literals('{ 00 00 00 00 [-] 4142 }'), ['AB'])
  t.strictSame(literals('{ 41 // 42 43\n 44 /* 45\n 46 */ 47 }'), ['ADG'])
})

t.test('where it is not sure, nothing is told', async (t) => {
  for (const text of [
    '"abc" nocase',
    '"abc" xor',
    '"abc" xor(1-255)',
    '"abc" base64',
    '"abc" base64wide("x")',
    '/abc/',
    '{ ?? 4? }',
    '{ ( 41 | 42 ) }',
    '"caf\u00e9"',
    '"a\\qb"',
    '""',
  ])
    t.equal(literals(text), undefined, text)
})

t.test('hostile patterns take linear time', async (t) => {
  t.strictSame(literals(`{ ${'4? '.repeat(300_000)} 41 }`), ['A'])
  t.strictSame(literals(`{ ${'41 /* '.repeat(300_000)} }`), ['A'])
  t.equal(literals(`"${'\\'.repeat(300_001)}"`), undefined)
  t.equal(literals(`"${'\\x41'.repeat(300_000)}"`)?.[0]?.length, 300_000)
})
