import t from 'tap'
import fc from 'fast-check'

import { parseAddress, parseNetwork, type Network } from '../../detectors/ip-address.js'
import { loadIpSet } from '../../detectors/ip-list.js'
import { IpSet } from '../../detectors/ip-set.js'
import type { RuleFiles } from '../../detectors/ports.js'

const set = (...networks: string[]) => new IpSet(networks.map((text) => parseNetwork(text) as Network))

t.test('finds single addresses and networks of both families', async (t) => {
  const s = set('10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1', '255.255.255.255')
  for (const inside of [
    '10.0.0.0',
    '10.255.255.255',
    '192.0.2.7',
    '2001:db8:ffff::1',
    '::1',
    '::ffff:10.1.1.1',
    '255.255.255.255',
  ]) {
    t.equal(s.has(inside), true, inside)
  }
  for (const outside of [
    '9.255.255.255',
    '11.0.0.0',
    '192.0.2.6',
    '192.0.2.8',
    '2001:db9::',
    '::2',
    '::',
    '0.0.0.0',
  ]) {
    t.equal(s.has(outside), false, outside)
  }
  t.equal(s.has('no address'), undefined)
  t.equal(set().has('1.2.3.4'), false)
  t.equal(set().has('::1'), false)
})

t.test('merges what overlaps or touches, and keeps the families apart', async (t) => {
  t.equal(set('10.0.0.0/9', '10.128.0.0/9', '10.3.0.0/16').ranges, 1)
  t.equal(set('2001:db8::/32', '2001:db8:1::/48', '2001:db8::').ranges, 1)
  t.equal(set('::/0').has('1.2.3.4'), false)
  t.equal(set('0.0.0.0/0').has('::1'), false)
  t.equal(set('0.0.0.0/0').has('203.0.113.9'), true)
  t.equal(set('::/0').has('ffff::'), true)
})

t.test('agrees with a plain search over any networks', async () => {
  const network = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([a, b]) => `${a}/${b}`),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([a, b]) => `${a}/${b}`),
  )
  const contains = (text: string, address: string): boolean => {
    const n = parseNetwork(text)
    const a = parseAddress(address)
    if (!n || !a) throw new Error('unreadable')
    if (n.address.family !== a.family) return false
    const bits = (x: typeof a): string =>
      (x.family === 4 ? [x.word] : [...x.words]).map((w) => w.toString(2).padStart(32, '0')).join('')
    return bits(n.address).slice(0, n.bits) === bits(a).slice(0, n.bits)
  }
  fc.assert(
    fc.property(fc.array(network, { maxLength: 30 }), fc.oneof(fc.ipV4(), fc.ipV6()), (networks, address) => {
      const first = networks[0]
      const probes = first === undefined ? [address] : [address, first.slice(0, first.indexOf('/'))]
      for (const probe of probes) {
        if (set(...networks).has(probe) !== networks.some((n) => contains(n, probe))) return false
      }
      return true
    }),
    { numRuns: 400 },
  )
})

t.test('a list of a million entries loads and answers', async (t) => {
  const lines: string[] = ['# a list']
  for (let i = 0; i < 1_000_000; i++)
    lines.push(`${(i >>> 16) + 1}.${(i >>> 8) & 255}.${i & 255}.${(i * 7) & 255}`)
  const files: RuleFiles = { read: () => lines.join('\n'), expand: (p) => [p] }
  const big = loadIpSet({ key: 'ip_block', addresses: [], files: ['list.txt'] }, files, () => {})
  t.ok(big.ranges > 900_000, String(big.ranges))
  t.equal(big.has('1.0.0.0'), true)
  t.equal(big.has('1.0.0.9'), false)
  let hits = 0
  for (let i = 0; i < 1_000_000; i += 97) if (big.has(lines[i + 1] ?? '')) hits++
  t.equal(hits, Math.ceil(1_000_000 / 97))
})

t.test('files may hold comments, and a bad line is an error that names it', async (t) => {
  const files: RuleFiles = {
    read: (path) => {
      if (path === 'good.txt') return '# banned\r\n10.0.0.1\r\n\r\n10.1.0.0/16 ; office\n2001:db8::/32'
      if (path === 'bad.txt') return '10.0.0.1\nexample.com\n'
      throw new Error('ENOENT')
    },
    expand: (p) => [p],
  }
  const load = (name: string) => loadIpSet({ key: 'ip_block', addresses: [], files: [name] }, files, () => {})
  const good = load('good.txt')
  t.equal(good.has('10.0.0.1'), true)
  t.equal(good.has('10.1.9.9'), true)
  t.equal(good.has('2001:db8::5'), true)
  t.throws(() => load('bad.txt'), { code: 'DETECTOR_ADDRESS_LIST', message: /bad\.txt:2: "example\.com"/ })
  t.throws(() => load('none.txt'), { code: 'DETECTOR_FILE', message: /none\.txt/ })
  t.throws(() => loadIpSet({ key: 'ip_allow', addresses: ['10.0.0.1', 'x'], files: [] }, files, () => {}), {
    code: 'DETECTOR_ADDRESS_LIST',
    message: /ip_allow\.addresses\[1\]/,
  })
  const warnings: string[] = []
  loadIpSet({ key: 'ip_allow', addresses: ['10.0.0.5/8', '10.0.0.6/8'], files: [] }, files, (m) =>
    warnings.push(m),
  )
  t.equal(warnings.length, 1)
})
