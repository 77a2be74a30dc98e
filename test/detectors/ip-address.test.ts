import t from 'tap'
import fc from 'fast-check'

import { clientKey, networksOverlap, parseAddress, parseNetwork } from '../../detectors/ip-address.js'

t.test('reads addresses in plain forms only', async (t) => {
  t.same(parseAddress('1.2.3.4'), { family: 4, word: 0x01020304 })
  t.same(parseAddress('255.255.255.255'), { family: 4, word: 0xffffffff })
  t.same(parseAddress('::1'), { family: 6, words: [0, 0, 0, 1] })
  t.same(parseAddress('2001:DB8::a'), { family: 6, words: [0x20010db8, 0, 0, 10] })
  t.same(parseAddress('fe80::1%eth0'), { family: 6, words: [0xfe800000, 0, 0, 1] })
  for (const bad of [
    '',
    '1.2.3',
    '01.2.3.4',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.256',
    '1.2.3.4.5',
    '1.2.3.4 ',
    'a',
    ':::',
    '::ffff:010.0.0.1',
    '1..2.3',
    `${':'.repeat(90)}1`,
  ]) {
    t.equal(parseAddress(bad), undefined, JSON.stringify(bad))
  }
})

t.test('an IPv4-mapped address is the IPv4 address', async (t) => {
  t.same(parseAddress('::ffff:10.1.2.3'), parseAddress('10.1.2.3'))
  t.same(parseAddress('::FFFF:0a01:0203'), parseAddress('10.1.2.3'))
  t.same(parseNetwork('::ffff:10.0.0.0/104'), {
    address: { family: 4, word: 0x0a000000 },
    bits: 8,
    hostBits: false,
  })
})

t.test('reads networks and says when bits after the prefix are set', async (t) => {
  t.same(parseNetwork('10.0.0.5/8'), { address: { family: 4, word: 0x0a000000 }, bits: 8, hostBits: true })
  t.same(parseNetwork('0.0.0.0/0'), { address: { family: 4, word: 0 }, bits: 0, hostBits: false })
  t.same(parseNetwork('2001:db8::1/32'), {
    address: { family: 6, words: [0x20010db8, 0, 0, 0] },
    bits: 32,
    hostBits: true,
  })
  for (const bad of [
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '::/129',
    '10.0.0.0/8/8',
    '/8',
    '10.0.0/8',
  ]) {
    t.equal(parseNetwork(bad), undefined, bad)
  }
})

t.test('clients are counted by address, IPv6 ones by /64', async (t) => {
  t.equal(clientKey('192.0.2.7'), '192.0.2.7')
  t.equal(clientKey('::ffff:192.0.2.7'), '192.0.2.7')
  t.equal(clientKey('2001:db8:1:2:3:4:5:6'), clientKey('2001:db8:1:2::1'))
  t.not(clientKey('2001:db8:1:3::1'), clientKey('2001:db8:1:2::1'))
  t.equal(clientKey('nonsense'), 'nonsense')
})

t.test('any text gives an address or nothing', async () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 60 }), fc.stringMatching(/^[0-9a-f:./%]{0,60}$/)), (text) => {
      parseAddress(text)
      parseNetwork(text)
      clientKey(text)
    }),
    { numRuns: 3000 },
  )
  fc.assert(fc.property(fc.ipV4(), (text) => parseAddress(text)?.family === 4))
  fc.assert(fc.property(fc.ipV6(), (text) => parseAddress(text) !== undefined))
})

t.test('two networks overlap when one holds the other', async (t) => {
  const overlap = (a: string, b: string): boolean => {
    const [one, other] = [parseNetwork(a), parseNetwork(b)]
    if (one === undefined || other === undefined) throw new Error(`${a} ${b}`)
    t.equal(networksOverlap(one, other), networksOverlap(other, one), 'either way round')
    return networksOverlap(one, other)
  }
  for (const [a, b] of [
    ['192.0.2.1', '192.0.2.0/24'],
    ['0.0.0.0/0', '255.255.255.255'],
    ['200.0.0.0/5', '203.0.113.0/24'],
    ['2001:db8::/32', '2001:db8:ffff::1'],
    ['::/0', '::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ] as const)
    t.ok(overlap(a, b), `${a} ${b}`)
  for (const [a, b] of [
    ['192.0.2.0/25', '192.0.2.128/25'],
    ['192.0.2.1', '192.0.2.2'],
    ['2001:db8::/64', '2001:db8:0:1::/64'],
    ['2001:db8::/33', '2001:db8:8000::/33'],
    ['::/0', '192.0.2.1'],
  ] as const)
    t.notOk(overlap(a, b), `${a} ${b}`)
})
