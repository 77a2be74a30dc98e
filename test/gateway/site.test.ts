import t from 'tap'

import { hostOfAuthority, routeOf, SiteTable } from '../../gateway/site.js'
import type { Site } from '../../gateway/site.js'
import { createPipeline } from '../../detectors/pipeline.js'
import { detectionConfig } from '../../detectors/config.js'
import { MemoryCounterStore } from '../../detectors/memory-counters.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'

const pipeline = createPipeline(detectionConfig.parse({}), {
  ports: { clock: { now: () => 0 }, counters: new MemoryCounterStore() },
  files: nodeRuleFiles,
  only: ['ip_block'],
  warn: () => undefined,
})

const site = (name: string, routes: Site['routes'] = []): Site => ({
  name,
  pipeline,
  mode: 'block',
  mayReadResponse: false,
  limits: { fields: 1024, body: 4096 },
  responseLimit: 4096,
  upstream: undefined,
  routes,
})

t.test('the host of an authority', (t) => {
  t.equal(hostOfAuthority('Shop.Example:8080'), 'shop.example')
  t.equal(hostOfAuthority('shop.example.'), 'shop.example')
  t.equal(hostOfAuthority('[2001:DB8::1]:443'), '[2001:db8::1]')
  t.equal(hostOfAuthority('user@shop.example'), 'shop.example')
  t.equal(hostOfAuthority(''), '')
  t.end()
})

t.test('a site is found by its name, then by the longest suffix, then it is the first', (t) => {
  const table = new SiteTable(site('first'), [
    [site('exact'), ['a.example']],
    [site('wide'), ['*.example']],
    [site('narrow'), ['*.b.example']],
  ])
  t.equal(table.find('A.example:80').name, 'exact')
  t.equal(table.find('c.example').name, 'wide')
  t.equal(table.find('x.b.example').name, 'narrow')
  t.equal(table.find('b.example').name, 'wide')
  t.equal(table.find('example').name, 'first', 'the suffix alone is not below itself')
  t.equal(table.find('other').name, 'first')
  t.equal(table.find('').name, 'first')
  t.end()
})

t.test('a route covers whole segments, the longest first', (t) => {
  const upload = site('a', [
    { path: '/upload/small', body: 'hold' },
    { path: '/upload', body: 'process-partial' },
  ])
  t.equal(routeOf(upload, '/upload').body, 'process-partial')
  t.equal(routeOf(upload, '/upload/a?x=/').body, 'process-partial')
  t.equal(routeOf(upload, '/upload/small/x').body, 'hold')
  t.equal(routeOf(upload, '/uploads').body, 'hold')
  t.end()
})

t.test('a path that can be read in several ways gets no relaxed limit', (t) => {
  const upload = site('a', [{ path: '/upload', body: 'process-partial' }])
  for (const target of [
    '/upload/../admin',
    '/upload/%2e%2e/admin',
    '/upload/..%2fadmin',
    '/upload/..;/admin',
  ])
    t.equal(routeOf(upload, target).body, 'hold', target)
  t.end()
})
