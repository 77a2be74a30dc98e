import t from 'tap'
import { crc32c } from '../../ledger/crc32c.js'

void t.test('gives the checksums of RFC 3720 appendix B.4', (t) => {
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa, '32 zero bytes')
  t.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43, '32 bytes of ones')
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e, 'ascending')
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c, 'descending')
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283, 'the check value')
  t.equal(crc32c(new Uint8Array(0)), 0, 'nothing')
  t.end()
})

void t.test('goes on from an earlier checksum at any cut', (t) => {
  const bytes = Buffer.from('The quick brown fox jumps over the lazy dog, twice.')
  for (let cut = 0; cut <= bytes.length; cut++) {
    t.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes))
  }
  t.end()
})
