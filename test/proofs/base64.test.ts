import t from 'tap'
import { decodeBase64, encodeBase64 } from '../../proofs/base64.js'
import { growth, randomSource } from './random.js'

void t.test('bytes of every length come back', async (t) => {
  const random = randomSource(1)
  for (let length = 0; length < 70; length++) {
    const bytes = random.bytes(length)
    t.same(new Uint8Array(decodeBase64(encodeBase64(bytes))!), bytes)
  }
})

void t.test('there is one spelling of each byte string', async (t) => {
  t.same(decodeBase64('AA=='), Buffer.from([0]))
  for (const text of [
    'AA',
    'AA=',
    'AB==',
    'AAB=',
    'AA==\n',
    ' AA==',
    'A-__',
    'AA==AA==',
    '====',
    'A===',
    'é===',
    'AA=A',
  ])
    t.equal(decodeBase64(text), undefined, JSON.stringify(text))
})

void t.test('decoding is linear', async (t) => {
  t.ok(growth((n) => () => decodeBase64('A'.repeat(n)), 200_000) < 10)
})
