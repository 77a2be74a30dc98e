import fc from 'fast-check'
import t from 'tap'
import { fromUtf8Decoded, toBytes } from '../../../gateway/listener/byte-string.js'

await t.test('every byte has its char', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1')
      const back = toBytes(text)
      return back !== undefined && Buffer.from(back).equals(Buffer.from(bytes))
    }),
  )
  t.equal(toBytes('a\u0100'), undefined)
  t.end()
})

await t.test('text that was decoded as UTF-8 becomes its bytes again, or nothing', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const sent = Buffer.from(bytes)
      const found = fromUtf8Decoded(sent.toString('utf8'))
      return found === undefined || found === sent.toString('latin1')
    }),
  )
  t.equal(fromUtf8Decoded('plain'), 'plain')
  t.equal(fromUtf8Decoded('caf\u00e9'), 'caf\xc3\xa9')
  t.equal(fromUtf8Decoded('\u{1f600}'), '\xf0\x9f\x98\x80')
  t.equal(fromUtf8Decoded('a\ufffd'), undefined)
  t.end()
})
