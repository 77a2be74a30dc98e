import t from 'tap'
import {
  compareBytes,
  concatBytes,
  decodeHex,
  decodeUtf8,
  encodeHex,
  equalBytes,
  utf8Bytes,
  viewOf,
} from '../../proofs/bytes.js'

void t.test('comparison is by bytes', async (t) => {
  t.ok(equalBytes(Uint8Array.of(1, 2), Buffer.from([1, 2])))
  t.notOk(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)))
  t.notOk(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0)))
  t.ok(compareBytes(Uint8Array.of(1), Uint8Array.of(2)) < 0)
  t.equal(compareBytes(Uint8Array.of(1), Uint8Array.of(1)), 0)
  t.same(new Uint8Array(concatBytes(Uint8Array.of(1), Uint8Array.of(2))), Uint8Array.of(1, 2))
})

void t.test('a view shares the memory of its part', async (t) => {
  const whole = Uint8Array.of(1, 2, 3, 4)
  viewOf(whole.subarray(1, 3))[0] = 9
  t.same(whole, Uint8Array.of(1, 9, 3, 4))
})

void t.test('UTF-8 is strict and keeps a byte order mark', async (t) => {
  t.equal(decodeUtf8(utf8Bytes('\ufeffé😀')), '\ufeffé😀')
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]])
    t.equal(decodeUtf8(Uint8Array.from(bytes)), undefined)
})

void t.test('hexadecimal is lower-case', async (t) => {
  t.equal(encodeHex(Uint8Array.of(0, 171)), '00ab')
  t.same(decodeHex('00ab'), Buffer.from([0, 171]))
  for (const text of ['0', '0A', 'zz', '0x']) t.equal(decodeHex(text), undefined)
})
