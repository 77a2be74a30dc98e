import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { checkOutboundUrl, mayReach, outboundAgent, outboundConfig } from '../../runtime/outbound.js'

const none = outboundConfig.parse({})

t.test('only public addresses are reached, and what the operator names', async (t) => {
  const inside = [
    '127.0.0.1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '::10.0.0.1',
  ]
  for (const address of inside) t.notOk(mayReach(address, none), address)
  for (const address of ['93.184.216.34', '2606:2800:220:1::1']) t.ok(mayReach(address, none), address)
  const allowed = outboundConfig.parse({ allow: ['10.0.0.0/8', 'fc00::/7'] })
  t.ok(mayReach('10.1.2.3', allowed))
  t.ok(mayReach('fd00::1', allowed))
  t.ok(mayReach('::ffff:10.1.2.3', allowed))
  t.notOk(mayReach('127.0.0.1', allowed))
})

t.test('a range that is none is refused with its value', async (t) => {
  t.throws(() => outboundConfig.parse({ allow: ['10.0.0.0'] }), /10\.0\.0\.0.*is not an address range/)
})

t.test('a URL is refused for its scheme, its credentials and its address', async (t) => {
  const urls = [
    'ftp://example.org/',
    'file:///etc/passwd',
    'http://user:pass@example.org/',
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
    'no url',
  ]
  for (const url of urls) t.throws(() => checkOutboundUrl(url, none), { code: 'OUTBOUND_REFUSED' }, url)
  t.equal(checkOutboundUrl('https://example.org/a?b', none).pathname, '/a')
})

t.test('a name that resolves to a private address is not connected to', async (t) => {
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    response.end('inside')
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    path: '/',
    method: 'GET' as const,
  }
  const closed = outboundAgent(none, 1000)
  await t.rejects(closed.request(url), { code: 'OUTBOUND_REFUSED' })
  t.equal(asked, 0)
  const open = outboundAgent(outboundConfig.parse({ allow: ['127.0.0.0/8', '::1/128'] }), 1000)
  const response = await open.request(url)
  t.equal(await response.body.text(), 'inside')
  await Promise.all([closed.destroy(), open.destroy()])
})
