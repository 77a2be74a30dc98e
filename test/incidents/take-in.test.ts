import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { Core } from '../../incidents/core.js'
import { MAX_TOLD, RepeatGauge } from '../../incidents/repeats.js'
import { MAX_STORM_MATTERS, StormGauge } from '../../incidents/storm.js'
import { MAX_EVIDENCE, takeIn } from '../../incidents/take-in.js'
import type { DetectionEvent, Severity } from '../../runtime/events.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { openTestCore, somebody } from './fixtures/core.js'

const START = 1_800_000_000_000

const blocked = (
  time: number,
  rule: number,
  client = '192.0.2.1',
  severity: Severity = 'high',
): DetectionEvent => ({
  id: uuidv7(time),
  time,
  type: 'security.verdict',
  severity,
  data: {
    request_id: uuidv7(time),
    site: 'default',
    client,
    method: 'GET',
    host: 'example.org',
    path: `/${client}<script>`,
    action: 'block',
    mode: 'block',
    phase: 'sql_injection',
    rule,
    msg: `attack by ${client}<script>`,
    variable: 'ARGS:id',
    status: 403,
    score: 5,
    rules: [rule],
  },
})

const takeAll = async (core: Core, events: Iterable<DetectionEvent>): Promise<void> => {
  const storms = new StormGauge(core.store.table('storms'), core.settings.incidents.storm)
  const counts = core.settings.playbooks.map(({ match }) => match.count)
  const repeats = new RepeatGauge(core.store.table('repeats'), counts)
  let batch: DetectionEvent[] = []
  const take = async (): Promise<void> => {
    await core.change(() => {
      for (const event of batch) takeIn(event, { core, storms, repeats })
    })
    batch = []
  }
  for (const event of events) if (batch.push(event) === 256) await take()
  await take()
}

const totals = (core: Core) => {
  const incidents = [...core.store.list()]
  return {
    incidents,
    storms: incidents.filter(({ storm }) => storm),
    count: incidents.reduce((sum, { count }) => sum + count, 0),
  }
}

t.test(
  'evidence names what the detection was about, and titles hold nothing that a client sent',
  async (t) => {
    const core = await openTestCore(t)
    await takeAll(core, [blocked(START, 7)])
    const [incident] = totals(core).incidents
    t.notMatch(incident?.title, /script|192/)
    t.strictSame(incident?.evidence[0]?.subjects, [
      { type: 'client', address: '192.0.2.1' },
      { type: 'url', site: 'default', host: 'example.org', path: '/192.0.2.1<script>' },
      { type: 'rule', site: 'default', rule: 7, variable: 'ARGS:id' },
    ])
    await core.store.close()
  },
)

t.test('an incident that is over, or was quiet for long, is followed by a new one', async (t) => {
  const core = await openTestCore(t, { config: { incidents: { group_seconds: 60 } } })
  await takeAll(core, [blocked(START, 1), blocked(START + 59_000, 1), blocked(START + 120_000, 1)])
  t.strictSame(
    totals(core).incidents.map(({ count }) => count),
    [1, 2],
  )
  const [latest] = totals(core).incidents
  await core.change(() => core.lifecycle.setState(latest?.id ?? '', 'resolved', somebody))
  await takeAll(core, [blocked(START + 121_000, 1)])
  t.equal(totals(core).incidents.length, 3)
  await core.store.close()
})

t.test('a storm is one incident that counts every matter and every detection', async (t) => {
  const core = await openTestCore(t, {
    config: { incidents: { storm: { incidents: 5, window_seconds: 60 } } },
  })
  const told: string[] = []
  let repeated = 0
  core.addReaction(({ type, incident }) => {
    if (type === 'repeated') repeated++
    else told.push(`${type} ${incident.storm ? 'storm' : 'incident'}`)
  })
  const events = Array.from({ length: 500 }, (_, at) => blocked(START + at, 1 + (at % 50)))
  await takeAll(core, events)
  const { incidents, storms, count } = totals(core)
  t.equal(incidents.length, 6)
  t.equal(count, 500)
  t.match(storms, [{ count: 450, storm: { matters: 45 }, severity: 'high' }])
  t.equal(storms[0]?.storm?.first.length, MAX_STORM_MATTERS)
  t.ok(storms[0]?.storm?.first.every(({ count: each }) => each === 10))
  t.strictSame(told, [...Array<string>(5).fill('opened incident'), 'opened storm'])
  // The storm's 44 further matters, its counts of 10 and 100, and the counts of 10 of the five incidents.
  t.equal(repeated, 44 - 1 + 2 + 5)
  // Raised once, as any incident is.
  await takeAll(core, [blocked(START + 600, 40, '192.0.2.1', 'critical')])
  t.equal(told.at(-1), 'raised storm')
  // When the window is over, what is new is told one by one again; what belongs to the storm stays in it.
  await takeAll(core, [blocked(START + 90_000, 1000), blocked(START + 90_000, 40)])
  t.equal(totals(core).incidents.length, 7)
  t.equal(totals(core).storms[0]?.count, 452)
  await core.store.close()
})

t.test('a flood from many addresses has few incidents, true counts and flat memory', async (t) => {
  const size = Number(process.env['PORTCULLIS_TEST_FLOOD'] ?? 20_000)
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const heap = (): number => {
    gc()
    return process.memoryUsage().heapUsed
  }
  const core = await openTestCore(t, {
    config: { alerts: [{ name: 'a', type: 'webhook', url: 'https://example.org/', secret: 'env:X' }] },
  })
  const reactions = new Map<string, number>()
  core.addReaction(({ type }) => void reactions.set(type, (reactions.get(type) ?? 0) + 1))
  let early = 0
  function* flood(): Generator<DetectionEvent> {
    for (let at = 0; at < size; at++) {
      if (at === size / 4) early = heap()
      const client = `10.${(at % 10_000) >> 8}.${at & 255}.${at % 200}`
      yield blocked(START + at, 1 + (at % 997), client)
    }
  }
  await takeAll(core, flood())
  const grown = heap() - early
  const { incidents, storms, count } = totals(core)
  t.equal(count, size, 'every block is counted once')
  t.equal(incidents.length, 31)
  t.match(storms, [{ storm: { matters: 997 - 30 } }])
  t.equal(reactions.get('opened'), 31, 'each incident is told once')
  const repeated = reactions.get('repeated') ?? 0
  const minutes = Math.ceil(size / 60_000)
  t.ok(repeated <= 31 * (MAX_TOLD * minutes + Math.log10(size)), `${repeated} repeats are told`)
  t.equal(reactions.size, 2, 'nothing else happens')
  t.ok(incidents.every(({ evidence }) => evidence.length <= MAX_EVIDENCE))
  t.ok(core.store.sessions.waiting < 31 * 10, 'the ledger gets steps, not detections')
  t.ok(grown < 16 * 1024 * 1024, `the heap has grown by ${grown} bytes`)
  await core.store.close()
})

t.test(
  'a repeat is told when it says something new: a subject, a power of ten, an awaited count',
  async (t) => {
    const core = await openTestCore(t, {
      config: { playbooks: [{ name: 'a', match: { count: 7 }, actions: [{ type: 'ban_client' }] }] },
    })
    const told: number[] = []
    core.addReaction(({ type, incident }) => {
      if (type === 'repeated') told.push(incident.count)
    })
    const clients = ['192.0.2.1', '192.0.2.2', '192.0.2.2', '192.0.2.1']
    await takeAll(core, [
      ...clients.map((client, at) => blocked(START + at, 1, client)),
      ...Array.from({ length: 8 }, (_, at) => blocked(START + 10 + at, 1)),
    ])
    t.strictSame(told, [2, 7, 10])
    await takeAll(core, [blocked(START + 60_000, 1), blocked(START + 60_001, 1)])
    t.strictSame(told, [2, 7, 10, 13], 'a subject is told again after a minute, whose ban may have ended')
    // A flood in that minute, with ever new clients; one in a later minute is told of again.
    const many = Array.from({ length: 1000 }, (_, at) =>
      blocked(START + 60_002 + at, 1, `10.0.${at >> 8}.${at & 255}`),
    )
    await takeAll(core, many)
    t.ok(told.length < 4 + MAX_TOLD + 2, `${told.length} are told`)
    const before = told.length
    await takeAll(core, [blocked(START + 130_000, 1, '10.1.0.1')])
    t.equal(told.length, before + 1)
    await core.store.close()
  },
)

t.test('an event that stands for several verdicts counts as so many, and may name no client', async (t) => {
  const core = await openTestCore(t)
  const first = blocked(START, 942100)
  const many = blocked(START + 1, 942100, '')
  if (many.type !== 'security.verdict') return
  await takeAll(core, [first, { ...many, data: { ...many.data, count: 400 } }])
  const { incidents, count } = totals(core)
  t.equal(incidents.length, 1)
  t.equal(count, 401)
  const clients = incidents.flatMap(({ evidence }) =>
    evidence.flatMap(({ subjects }) => subjects.filter(({ type }) => type === 'client')),
  )
  t.same(clients, [{ type: 'client', address: '192.0.2.1' }])
})
