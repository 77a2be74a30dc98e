import fc from 'fast-check'
import t from 'tap'
import { maskOf } from '../../../../detectors/seclang/prefilter/index.js'
import { transformations } from '../../../../detectors/seclang/transformations/index.js'
import { touches } from '../../../../detectors/seclang/transformations/touches.js'

const pieces = fc.oneof(
  fc.nat(255).map((byte) => String.fromCharCode(byte)),
  fc.constantFrom('%41', '%u0041', '&lt;', '\\x41', '/*', '*/', '--', '<!--', '0x41', '  ', '../', 'Ab'),
)
const values = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''))

for (const [name, apply] of transformations) {
  const classes = touches(name)
  if (classes === undefined) continue
  t.test(`${name} leaves alone what it does not touch`, (t) => {
    let untouched = 0
    fc.assert(
      fc.property(values, (value) => {
        // What is left of a value when the bytes that are touched are taken out.
        const rest = Array.from(value, (char) => ((maskOf(char) & classes) === 0 ? char : '')).join('')
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
    if (apply('') !== '') t.equal(touches(name), undefined, name)
  }
  t.end()
})
