import t from 'tap'

import { gatewayConfig } from '../../gateway/config.js'
import { splitHostPort } from '../../runtime/host-port.js'

const problems = (config: unknown): string[] =>
  (gatewayConfig.safeParse(config).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )

t.test('everything has a default', (t) => {
  const config = gatewayConfig.parse({})
  t.match(config, {
    listen: '127.0.0.1:8080',
    listener: 'auto',
    threads: 1,
    trusted_proxies: [],
    limits: { fields: 131_072, body: 12_582_912 },
    audit_log: { mask: 'secrets' },
  })
  t.end()
})

t.test('unknown keys are refused at every level', (t) => {
  for (const config of [
    { lissen: 'x' },
    { timeouts: { conect: 1 } },
    { limits: { bodies: 1 } },
    { audit_log: { path: 'x' } },
    { sites: [{ name: 'a', hosts: ['a'], upstream: 'http://a', extra: 1 }] },
  ])
    t.equal(problems(config).length, 1, JSON.stringify(config))
  t.end()
})

t.test('wrong values are refused', (t) => {
  for (const config of [
    { listen: '8080' },
    { listen: 'localhost:99999' },
    { listen: '::1:80' },
    { upstream: 'ftp://a' },
    { upstream: 'http://a/path' },
    { upstream: 'http://user@a' },
    { trusted_proxies: ['10.0.0.0/33'] },
    { timeouts: { idle: 0 } },
    { threads: 0 },
    { routes: [{ path: 'upload' }] },
    { tls: { cert: 'a', key: 'b' }, listener: 'uws' },
  ])
    t.equal(problems(config).length, 1, JSON.stringify(config))
  t.end()
})

t.test('sites that contradict each other are refused', (t) => {
  const site = { name: 'a', hosts: ['a.example'], upstream: 'http://a' }
  t.match(problems({ upstream: 'http://a', sites: [site] }), [/^upstream: /])
  t.match(problems({ sites: [site, { ...site, hosts: ['b.example'] }] }), [/sites\.1\.name/])
  t.match(problems({ sites: [site, { ...site, name: 'b', hosts: ['A.example'] }] }), [/sites\.1\.hosts/])
  t.match(problems({ sites: [site], routes: [{ path: '/a' }] }), [/^routes: /])
  t.end()
})

t.test('every key says what it is, with its default', (t) => {
  const undescribed: string[] = []
  const walk = (path: string, schema: { shape?: Record<string, unknown> }): void => {
    for (const [key, value] of Object.entries(schema.shape ?? {})) {
      const field = value as { description?: string; shape?: Record<string, unknown> }
      if (field.description === undefined) undescribed.push(`${path}${key}`)
      walk(`${path}${key}.`, field)
    }
  }
  walk('', gatewayConfig)
  t.same(undescribed, [])
  t.end()
})

t.test('HOST:PORT is split', (t) => {
  t.same(splitHostPort('[::1]:80'), { host: '::1', port: 80 })
  t.same(splitHostPort('localhost:0'), { host: 'localhost', port: 0 })
  t.throws(() => splitHostPort('x'), RangeError)
  t.end()
})
