import fc from 'fast-check'
import t from 'tap'
import { base64Decode } from '../../../../detectors/seclang/transformations/base64-decode.js'

/** The same by the runtime. */
const expected = (value: string): string => {
  const [encoded = ''] = /^[A-Za-z0-9+/\t-\r ]*/.exec(value) ?? []
  return Buffer.from(encoded, 'base64').toString('latin1')
}

const letters = fc.constantFrom(...Array.from('AZaz09+/ \t\n\vQk'))
const others = fc.constantFrom('=', '-', '_', '\0', '\xa0', '\xff', '.')

t.test('base64 is decoded up to the first byte of no alphabet', (t) => {
  const values = fc
    .tuple(fc.array(letters, { maxLength: 40 }), fc.array(fc.oneof(letters, others), { maxLength: 6 }))
    .map((parts) => parts.flat().join(''))
  fc.assert(
    fc.property(values, (value) => base64Decode(value) === expected(value)),
    { numRuns: 5000 },
  )
  t.end()
})

t.test('long values are decoded whole', (t) => {
  for (const length of [5461, 5462, 5464, 65_536]) {
    const value = 'UG9ydGN1bGxpcyE/'.repeat(5000).slice(0, length)
    t.ok(base64Decode(value) === expected(value), `${length} bytes`)
  }
  t.end()
})
