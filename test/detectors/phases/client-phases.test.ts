import t from 'tap'

import { detectionConfig, type DetectionConfigInput } from '../../../detectors/config.js'
import { parseNetwork, type Network } from '../../../detectors/ip-address.js'
import { IpSet } from '../../../detectors/ip-set.js'
import { MemoryCounterStore } from '../../../detectors/memory-counters.js'
import type { Phase, PhaseDecision } from '../../../detectors/phase.js'
import { geoip } from '../../../detectors/phases/geoip.js'
import { hotlink } from '../../../detectors/phases/hotlink.js'
import { ipAllow } from '../../../detectors/phases/ip-allow.js'
import { ipBlock } from '../../../detectors/phases/ip-block.js'
import { rateLimit } from '../../../detectors/phases/rate-limit.js'
import { urlAllow } from '../../../detectors/phases/url-allow.js'
import { urlBlock } from '../../../detectors/phases/url-block.js'
import type { AnswerList, GeoRecord, Ports } from '../../../detectors/ports.js'
import type { HeaderList } from '../../../detectors/request.js'
import { requestPath } from '../../../detectors/request-path.js'
import { Transaction } from '../../../detectors/transaction.js'

const networks = (...texts: string[]) => new IpSet(texts.map((text) => parseNetwork(text) as Network))
const settings = (phases: NonNullable<DetectionConfigInput['phases']>) =>
  detectionConfig.parse({ phases }).phases

class World {
  now = 1_700_000_000_000
  readonly ports: Ports = { clock: { now: () => this.now }, counters: new MemoryCounterStore() }

  ask(
    phase: Phase,
    request: { address?: string; target?: string; method?: string; headers?: HeaderList } = {},
  ) {
    const target = request.target ?? '/'
    const client = {
      address: request.address ?? '192.0.2.1',
      port: 1,
      serverAddress: '127.0.0.1',
      serverPort: 80,
      tls: false,
    }
    const head = {
      requestId: 'r',
      method: request.method ?? 'GET',
      target,
      httpVersion: '1.1' as const,
      headers: request.headers ?? [],
    }
    const tx = new Transaction(client, head, this.ports)
    const context = { tx, path: requestPath(target) }
    const decision: PhaseDecision | undefined = phase.onClient?.(context) ?? phase.onRequestHeaders?.(context)
    return { decision, tx }
  }
}

t.test('ip_allow lets trusted addresses leave, and they are logged', async (t) => {
  const world = new World()
  const phase = ipAllow(networks('10.0.0.0/8'))
  const { decision } = world.ask(phase, { address: '::ffff:10.9.9.9' })
  t.match(decision, { kind: 'allow', match: { id: 9_600_001, logged: true, variable: 'REMOTE_ADDR' } })
  t.equal(world.ask(phase).decision, undefined)
})

t.test('ip_block refuses banned addresses and says when it could not look', async (t) => {
  const world = new World()
  const phase = ipBlock(networks('192.0.2.0/24', '2001:db8::/32'))
  t.match(world.ask(phase).decision, { kind: 'block', match: { id: 9_600_002 } })
  t.match(world.ask(phase, { address: '2001:db8::1' }).decision, { kind: 'block' })
  t.equal(world.ask(phase, { address: '198.51.100.1' }).decision, undefined)
  const { decision, tx } = world.ask(phase, { address: 'unix' })
  t.equal(decision, undefined)
  t.same(tx.truncated, ['client_address'])
})

t.test(
  'answers to incidents ban and block as the lists do, and change while requests are judged',
  async (t) => {
    const world = new World()
    let banned = networks()
    const blocked = new Map<string, ReadonlySet<string>>()
    const answers: AnswerList = {
      get banned() {
        return banned
      },
      blockedPaths: (site) => blocked.get(site),
    }
    const clients = ipBlock(networks('198.51.100.0/24'), answers)
    t.equal(world.ask(clients).decision, undefined)
    banned = networks('192.0.2.0/24')
    t.match(world.ask(clients).decision, {
      kind: 'block',
      reason: 'client address is banned for an incident',
      match: { id: 9_600_002 },
    })
    t.match(world.ask(clients, { address: '198.51.100.1' }).decision, { reason: 'client address is banned' })
    const paths = urlBlock(['/.git/*'], 'shop', answers)
    t.equal(world.ask(paths, { target: '/Old/' }).decision, undefined)
    blocked.set('shop', new Set(['/old']))
    for (const target of ['/Old/', '/old', '/%6fld', '/x/..//old?a'])
      t.match(
        world.ask(paths, { target }).decision,
        { kind: 'block', match: { id: 9_600_004, sample: String } },
        target,
      )
    t.equal(world.ask(urlBlock([], 'blog', answers), { target: '/old' }).decision, undefined)
  },
)

t.test('url_allow and url_block', async (t) => {
  const world = new World()
  t.match(world.ask(urlAllow(['/assets/*']), { target: '/assets/a.js?x' }).decision, { kind: 'skip_content' })
  t.equal(world.ask(urlAllow(['/assets/*']), { target: '/assets/../a' }).decision, undefined)
  t.match(world.ask(urlBlock(['/.git/*']), { target: '/%2egit/config' }).decision, {
    kind: 'block',
    match: { id: 9_600_004, sample: '/%2egit/config' },
  })
  t.equal(world.ask(urlBlock(['/.git/*']), { target: '/git' }).decision, undefined)
  t.throws(() => urlBlock(['/a', 'b']), { message: /url_block\.paths\[1\]/ })
})

t.test('rate_limit refuses with the seconds to wait, per client, and refills', async (t) => {
  const world = new World()
  const config = settings({ rate_limit: { limits: [{ requests: 2, per: 10 }] } }).rate_limit
  const phase = rateLimit(config, 'site', 'block')
  t.equal(world.ask(phase).decision, undefined)
  t.equal(world.ask(phase).decision, undefined)
  t.match(world.ask(phase).decision, { kind: 'block', status: 429, retryAfter: 5, match: { id: 9_600_005 } })
  t.equal(world.ask(phase, { address: '192.0.2.2' }).decision, undefined, 'another client')
  t.equal(world.ask(rateLimit(config, 'other', 'block')).decision, undefined, 'another site')
  world.now += 5000
  t.equal(world.ask(phase).decision, undefined)
  t.match(world.ask(phase).decision, { status: 429 })
})

t.test('rate_limit counts IPv6 clients by /64', async (t) => {
  const world = new World()
  const phase = rateLimit(
    settings({ rate_limit: { limits: [{ requests: 1, per: 60 }] } }).rate_limit,
    's',
    'block',
  )
  t.equal(world.ask(phase, { address: '2001:db8::1' }).decision, undefined)
  t.match(world.ask(phase, { address: '2001:db8::ffff:1' }).decision, { status: 429, retryAfter: 60 })
  t.equal(world.ask(phase, { address: '2001:db8:0:1::1' }).decision, undefined)
})

t.test('rate_limit keeps routes and methods apart, and no spelling of a path escapes', async (t) => {
  const world = new World()
  const limits = [{ path: '/login', methods: ['post'], requests: 1, per: 60 }]
  const phase = rateLimit(settings({ rate_limit: { limits } }).rate_limit, 's', 'block')
  t.equal(world.ask(phase, { target: '/login', method: 'POST' }).decision, undefined)
  t.equal(world.ask(phase, { target: '/login', method: 'GET' }).decision, undefined)
  t.equal(world.ask(phase, { target: '/', method: 'POST' }).decision, undefined)
  for (const target of ['/login', '/%6cogin', '//login', '/LOGIN', '/x/../login?y']) {
    t.match(world.ask(phase, { target, method: 'POST' }).decision, { status: 429 }, target)
  }
})

t.test('nothing is limited and nobody is banned until configured; bans end', async (t) => {
  const world = new World()
  const idle = rateLimit(settings({}).rate_limit, 's', 'block')
  for (let i = 0; i < 200; i++) if (world.ask(idle).decision) t.fail('limited')
  const config = settings({
    rate_limit: { limits: [{ requests: 1, per: 1 }], ban: { after: 2, for: 100 } },
  }).rate_limit
  const phase = rateLimit(config, 's', 'block')
  t.equal(world.ask(phase).decision, undefined)
  t.match(world.ask(phase).decision, { retryAfter: 1 })
  t.match(world.ask(phase).decision, { retryAfter: 100 })
  world.now += 50_000
  t.match(world.ask(phase).decision, { status: 429, retryAfter: 50, reason: /banned/ })
  world.now += 51_000
  t.equal(world.ask(phase).decision, undefined)
  const watching = rateLimit(config, 'watched', 'detect')
  for (let i = 0; i < 5; i++) world.ask(watching)
  world.now += 2000
  t.equal(world.ask(watching).decision, undefined, 'mode detect bans nobody')
})

t.test('geoip allows and denies by country and network', async (t) => {
  const world = new World()
  const records: Record<string, GeoRecord> = {
    '192.0.2.1': { country: 'DE', asn: 64500 },
    '192.0.2.2': { country: 'FR' },
  }
  const geo = { lookup: (address: string) => records[address] }
  const ask = (policy: NonNullable<NonNullable<DetectionConfigInput['phases']>['geoip']>, address: string) =>
    world.ask(geoip(settings({ geoip: policy }).geoip, geo), { address }).decision?.kind
  t.equal(ask({ deny_countries: ['de'] }, '192.0.2.1'), 'block')
  t.equal(ask({ deny_countries: ['de'] }, '192.0.2.2'), undefined)
  t.equal(ask({ deny_countries: ['de'] }, '10.0.0.1'), undefined)
  t.equal(ask({ allow_countries: ['FR'] }, '192.0.2.1'), 'block')
  t.equal(ask({ allow_countries: ['FR'] }, '192.0.2.2'), undefined)
  t.equal(ask({ allow_countries: ['FR'] }, '10.0.0.1'), 'block', 'unknown is outside of any allow list')
  t.equal(ask({ allow_countries: ['FR'], unknown: 'allow' }, '10.0.0.1'), undefined)
  t.equal(ask({ allow_countries: ['DE'], deny_asns: [64500] }, '192.0.2.1'), 'block')
  t.equal(ask({ allow_asns: [64500] }, '192.0.2.1'), undefined)
  t.equal(ask({ unknown: 'block' }, '10.0.0.1'), 'block')
})

t.test('hotlink judges the referer of protected files only', async (t) => {
  const world = new World()
  const config = settings({
    hotlink: { extensions: ['jpg'], allowed_hosts: ['friend.example', '*.cdn.example'] },
  }).hotlink
  const ask = (target: string, referer?: string, method = 'GET') =>
    world.ask(hotlink(config), {
      target,
      method,
      headers:
        referer === undefined
          ? [['Host', 'www.site.example:8080']]
          : [
              ['Host', 'www.site.example:8080'],
              ['Referer', referer],
            ],
    }).decision?.kind
  t.equal(ask('/a.jpg'), undefined)
  t.equal(ask('/a.jpg', 'https://www.site.example/page'), undefined)
  t.equal(ask('/a.jpg', 'http://friend.example:81/'), undefined)
  t.equal(ask('/a.jpg', 'https://x.cdn.example/'), undefined)
  t.equal(ask('/a.jpg', 'https://evil.example/'), 'block')
  t.equal(ask('/a.JPG?x', 'https://evil.example/'), 'block')
  t.equal(ask('/a.%6apg', 'https://evil.example/'), 'block')
  t.equal(ask('/a.jpg;x', 'https://evil.example/'), 'block')
  t.equal(ask('/a.jpg', 'https://evil.example/?friend.example/'), 'block')
  t.equal(ask('/a.jpg', 'https://friend.example@evil.example/'), 'block')
  t.equal(ask('/a.jpg', 'https://cdn.example.evil/'), 'block')
  t.equal(ask('/a.jpg', 'about:blank'), 'block')
  t.equal(ask('/a.html', 'https://evil.example/'), undefined)
  t.equal(ask('/a.jpg', 'https://evil.example/', 'POST'), undefined)
  const strict = hotlink({ ...config, allow_missing_referer: false })
  t.equal(world.ask(strict, { target: '/a.jpg' }).decision?.kind, 'block')
})
