import fc from 'fast-check'
import t from 'tap'
import { byteString, sameToken } from '../../../detectors/transaction/bytes.js'

t.test('names are compared without the case of their letters', (t) => {
  const lower = 'x-{@`[z'
  for (const name of [lower, 'X-{@`[z', 'X-{@`[Z', 'x-{@`{z', 'x-{``[z', 'x-{@`[', 'x-{@`[zz', ''])
    t.equal(sameToken(name, lower), name.toLowerCase() === lower, name)
  const bytes = fc.uint8Array({ maxLength: 3 }).map((each) => Buffer.from(each).toString('latin1'))
  fc.assert(
    fc.property(bytes, fc.stringMatching(/^[!-@[-~]{0,3}$/), (name, lower) => {
      return sameToken(name, lower) === (name.toLowerCase() === lower)
    }),
    { numRuns: 3000 },
  )
  t.end()
})

t.test('bytes become one char each, wherever they stand in their memory', (t) => {
  const memory = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  t.equal(byteString(memory.subarray(0x41, 0x44)), 'ABC')
  t.equal(byteString(Buffer.from(memory.buffer, 0xfe, 2)), '\xfe\xff')
  t.equal(byteString(new Uint8Array(0)), '')
  t.end()
})
