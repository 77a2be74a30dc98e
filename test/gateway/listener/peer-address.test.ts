import t from 'tap'
import { addressText, plainAddress } from '../../../gateway/listener/peer-address.js'

await t.test('an IPv4 address is one, however it came', (t) => {
  t.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(plainAddress('192.0.2.1'), '192.0.2.1')
  t.equal(plainAddress('2001:db8::1'), '2001:db8::1')
  t.equal(addressText(new Uint8Array([192, 0, 2, 1])), '192.0.2.1')
  const mapped = new Uint8Array(16)
  mapped.set([0xff, 0xff, 192, 0, 2, 1], 10)
  t.equal(addressText(mapped), '192.0.2.1')
  const v6 = new Uint8Array(16)
  v6.set([0x20, 0x01, 0x0d, 0xb8])
  v6[15] = 1
  t.equal(addressText(v6), '2001:db8::1')
  t.equal(addressText(new Uint8Array()), '')
  t.end()
})
