import { isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'

import { clientAddressReader } from '../../gateway/client-address.js'
import { GatewayError } from '../../gateway/errors.js'

const xff = (value: string): readonly (readonly [string, string])[] => [['X-Forwarded-For', value]]

t.test('without trusted proxies the client is the peer', (t) => {
  const read = clientAddressReader([])
  t.same(read('::ffff:192.0.2.1', xff('10.0.0.1')), { address: '192.0.2.1', viaTrustedProxy: false })
  t.end()
})

t.test('a peer that is not trusted cannot name another client', (t) => {
  const read = clientAddressReader(['10.0.0.0/8'])
  t.same(read('192.0.2.1', xff('203.0.113.1')), { address: '192.0.2.1', viaTrustedProxy: false })
  t.end()
})

t.test('behind trusted proxies the client is the rightmost address that is not one', (t) => {
  const read = clientAddressReader(['10.0.0.0/8', '2001:db8::/32'])
  const client = (value: string): string => read('10.1.1.1', xff(value)).address
  t.equal(client('203.0.113.1'), '203.0.113.1')
  t.equal(client('1.1.1.1, 203.0.113.1, 10.0.0.2'), '203.0.113.1')
  t.equal(client('203.0.113.1:4711'), '203.0.113.1')
  t.equal(client('[2001:db9::1]:443'), '2001:db9::1')
  t.equal(client('10.0.0.3, 10.0.0.2'), '10.0.0.3', 'all are proxies: the first one')
  t.equal(client('203.0.113.1, unknown'), '10.1.1.1', 'what is no address ends the search')
  t.equal(client(''), '10.1.1.1')
  t.ok(read('10.1.1.1', []).viaTrustedProxy)
  t.end()
})

t.test('several fields are one list, and a long one is followed so far and no further', (t) => {
  const read = clientAddressReader(['10.0.0.0/8'])
  t.equal(
    read('10.0.0.1', [
      ['X-Forwarded-For', '203.0.113.7'],
      ['x-forwarded-for', '10.0.0.9'],
    ]).address,
    '203.0.113.7',
  )
  t.equal(read('10.0.0.1', xff(`203.0.113.7, ${'10.0.0.2, '.repeat(100)}10.0.0.3`)).address, '10.0.0.2')
  t.end()
})

t.test('a trusted proxy that is no address is refused', (t) => {
  t.throws(() => clientAddressReader(['proxy.example']), new GatewayError('GATEWAY_CONFIG', 'x').name)
  t.end()
})

t.test('whatever a proxy passes on, the client is an address', (t) => {
  const read = clientAddressReader(['10.0.0.0/8', '::1'])
  const element = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.0.0.7', '[::1]:80', '1.2.3.4:x', '', 'unknown', '::ffff:10.0.0.1'),
  )
  fc.assert(
    fc.property(fc.array(element, { maxLength: 40 }), (elements) => {
      const { address, viaTrustedProxy } = read('10.0.0.1', xff(elements.join(',')))
      return viaTrustedProxy && isIP(address) !== 0
    }),
    { numRuns: 2000 },
  )
  t.pass()
  t.end()
})
