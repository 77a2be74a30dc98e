import fc from 'fast-check'
import t from 'tap'
import { followed, rarer, searched } from '../../../../detectors/seclang/prefilter/literal-sets.js'
import { byteClass, maskOf } from '../../../../detectors/seclang/prefilter/mask.js'

t.test('the rarer set is taken, and one that says nothing never', async (t) => {
  t.strictSame(rarer(['e'], ['xz']), ['xz'])
  t.strictSame(rarer(['select'], ['"']), ['select'], 'a mask says of single signs')
  t.strictSame(rarer(['"'], ['on']), ['on'])
  t.strictSame(rarer(['a'], ['']), ['a'])
  t.strictSame(rarer(['a'], []), ['a'])
  t.equal(rarer(undefined, ['', 'union']), undefined)
})

t.test('sets that follow each other are joined', async (t) => {
  t.strictSame(followed(['a', 'b'], ['', 'c']), ['a', 'ac', 'b', 'bc'])
  t.strictSame(followed([''], ['x']), ['x'])
  t.strictSame(followed(['x'], ['']), ['x'])
})

t.test('what is searched for is short, and single signs are classes', async (t) => {
  t.strictSame(searched(['schema', 'sch', '(']), {
    literals: ['sch'],
    instead: byteClass.round,
  })
  t.strictSame(searched(['e', 'a']), { literals: undefined, instead: 0 }, 'too common')
  t.strictSame(searched(['(', ';']), { literals: undefined, instead: 0 }, 'nothing left to search for')
})

t.test('a value with one of the texts has what is searched for', (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'abcxz_(%; '.split('')), minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), text, (texts, around) => {
      const { literals, instead } = searched(texts)
      const value = around + (texts[0] ?? '')
      return (
        literals === undefined ||
        (maskOf(value) & instead) !== 0 ||
        literals.some((literal) => value.includes(literal))
      )
    }),
  )
  t.end()
})
