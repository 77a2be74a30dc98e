import fc from 'fast-check'
import t from 'tap'
import { maskOf } from '../../../../detectors/seclang/prefilter/index.js'
import { anyClass } from '../../../../detectors/seclang/prefilter/mask.js'
import { transformations } from '../../../../detectors/seclang/transformations/index.js'
import {
  changesOf,
  classesAfter,
  lengthens,
  touches,
  touchesBeyondCase,
} from '../../../../detectors/seclang/transformations/changes.js'

const pieces = fc.oneof(
  fc.nat(255).map((byte) => String.fromCharCode(byte)),
  fc.constantFrom(
    '%41',
    '%u0041',
    '&lt;',
    '\\x41',
    '/*',
    '*/',
    '--',
    '<!--',
    '0x41',
    '  ',
    '../',
    'Ab',
    '\\',
    '+',
    '\0',
    '\xc3\xa4',
  ),
)
const values = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''))
/** What is left of a value when the bytes of these classes are taken out. */
const without = (value: string, classes: number): string =>
  Array.from(value, (char) => ((maskOf(char) & classes) === 0 ? char : '')).join('')

for (const [name, apply] of transformations) {
  const classes = touches(changesOf(name))
  t.test(`${name} makes no other bytes than are known, and no more`, (t) => {
    fc.assert(
      fc.property(values, (value) => {
        const result = apply(value)
        const after = classesAfter(changesOf(name), maskOf(value))
        return (maskOf(result) & ~after) === 0 && (lengthens(name) || result.length <= value.length)
      }),
      { numRuns: 1000 },
    )
    t.end()
  })
  t.test(`${name} changes nothing but case where it touches nothing else`, (t) => {
    const beyond = touchesBeyondCase(changesOf(name)) ?? anyClass
    fc.assert(
      fc.property(values, (value) => {
        const rest = without(value, beyond)
        return apply(rest).toLowerCase() === rest.toLowerCase() || beyond === anyClass
      }),
      { numRuns: 500 },
    )
    t.end()
  })
  if (classes === undefined || classes === anyClass) continue
  t.test(`${name} leaves alone what it does not touch`, (t) => {
    let untouched = 0
    fc.assert(
      fc.property(values, (value) => {
        const rest = without(value, classes)
        untouched += rest === '' ? 0 : 1
        return apply(rest) === rest
      }),
      { numRuns: 500 },
    )
    t.ok(untouched > 100, `${untouched} values were left alone`)
    t.end()
  })
}

t.test('what may change the empty value has no classes', (t) => {
  for (const [name, apply] of transformations) {
    if (apply('') !== '') t.equal(changesOf(name), undefined, name)
  }
  t.end()
})
