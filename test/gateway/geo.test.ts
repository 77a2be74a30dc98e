import { join } from 'node:path'
import t from 'tap'

import { openGeo } from '../../gateway/geo.js'
import { ask, echo, startUnderTest, startUpstream } from './gateway-fixture.js'
import { writeMmdb } from './mmdb-writer.js'

const countries = writeMmdb('Test-Country', {
  '127.0.0.0/8': { country: { iso_code: 'NL' }, continent: { code: 'EU' } },
  '192.0.2.0/24': { registered_country: { iso_code: 'JP' } },
})
const systems = writeMmdb('Test-ASN', { '192.0.2.0/24': { autonomous_system_number: 64_500 } })

t.test('looks up country, continent and autonomous system', async (t) => {
  const dir = t.testdir({ 'c.mmdb': countries, 'a.mmdb': systems })
  const geo = await openGeo(join(dir, 'c.mmdb'), join(dir, 'a.mmdb'))
  t.same(geo?.lookup('127.0.0.1'), { country: 'NL', continent: 'EU' })
  t.same(geo?.lookup('192.0.2.200'), { country: 'JP', asn: 64_500 })
  t.equal(geo?.lookup('198.51.100.1'), undefined)
  t.equal(geo?.lookup('2001:db8::1'), undefined, 'a file for IPv4 knows no IPv6 address')
  t.equal(geo?.lookup('not an address'), undefined)
  t.equal(await openGeo(undefined, undefined), undefined)
})

t.test('a file that is none is named', async (t) => {
  const dir = t.testdir({ 'x.mmdb': 'nothing of the kind' })
  await t.rejects(openGeo(join(dir, 'x.mmdb'), undefined), { code: 'GATEWAY_GEO', message: /x\.mmdb/ })
  await t.rejects(openGeo(join(dir, 'none.mmdb'), undefined), { code: 'GATEWAY_GEO' })
})

t.test('a country is kept out', async (t) => {
  const dir = t.testdir({ 'c.mmdb': countries })
  const upstream = await startUpstream(t, echo)
  const { port, auditOf } = await startUnderTest(t, upstream.origin, {
    config: { trusted_proxies: ['127.0.0.1'] },
    detection: { phases: { geoip: { database: join(dir, 'c.mmdb'), deny_countries: ['JP'] } } },
  })
  t.equal((await ask(port, '/')).status, 200)
  t.equal((await ask(port, '/', { headers: { 'x-forwarded-for': '192.0.2.5' } })).status, 403)
  t.match((await auditOf(1))[0], { client: '192.0.2.5', verdict: { phase: 'geoip' } })
})
