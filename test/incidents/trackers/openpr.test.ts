import { pino } from 'pino'
import t, { type Test } from 'tap'
import { trackersConfig } from '../../../incidents/trackers/config.js'
import { openTracker } from '../../../incidents/trackers/open.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { trackerConformance } from '../../conformance/tracker.js'
import { FakeOpenPr } from '../fakes/openpr.js'

const outbound = outboundConfig.parse({ allow: ['127.0.0.0/8'] })
const log = pino({ level: 'silent' })
process.env['OPENPR_WRONG'] = 'wrong-secret'

const open = async (fake: FakeOpenPr, more: object = {}, now: () => number = Date.now) => {
  process.env['OPENPR_TOKEN'] = fake.bot.token
  const [config] = trackersConfig.parse([
    {
      name: 'edge',
      type: 'openpr',
      base_url: `${fake.url}/`,
      project: fake.project.id,
      token: 'env:OPENPR_TOKEN',
      ...more,
    },
  ])
  return openTracker(config!, { outbound, log, now })
}

for (const transport of ['rest', 'mcp'])
  trackerConformance(`openpr over ${transport}`, async (t: Test, options) => {
    const fake = await FakeOpenPr.start(t, options)
    const tracker = await open(fake, { transport, lag_seconds: options.lagMs / 1000 }, options.now)
    return {
      tracker,
      server: fake.server,
      issues: () => fake.issues.map(({ title, description, state }) => ({ title, body: description, state })),
      comments: () => fake.comments.map(({ body }) => body),
      states: { open: 'todo', resolved: 'done' },
      wrongToken: () => open(fake, { transport, token: 'env:OPENPR_WRONG' }),
    }
  })

const draft = {
  title: 'A title',
  body: 'seen @Ada pci00',
  severity: 'critical',
  state: 'open',
  marker: 'pci00',
} as const
const { signal } = new AbortController()

for (const transport of ['rest', 'mcp']) {
  t.test(`${transport}: maps severity, sets labels and assignee, links and keys the issue`, async (t) => {
    const fake = await FakeOpenPr.start(t)
    fake.labels.push({ id: '11111111-1111-4111-8111-111111111111', name: 'security' })
    const assignee = fake.addBot('Vano', 'openclaw')
    const tracker = await open(fake, {
      transport,
      labels: ['security', 'no such label'],
      assignee: assignee.id,
      workspace: fake.workspace.id,
      web_url: 'https://openpr.example.org',
    })
    t.teardown(() => tracker.close())
    const { ref, author } = await tracker.create(draft, signal)
    const [issue] = fake.issues
    t.match(issue, { priority: 'urgent', assignee_id: assignee.id })
    t.same([...issue!.labels], ['11111111-1111-4111-8111-111111111111'])
    t.equal(ref.key, `EDGE-${issue!.id.slice(0, 8).toUpperCase()}`)
    t.equal(
      ref.url,
      `https://openpr.example.org/workspace/${fake.workspace.id}/projects/${fake.project.id}/issues/${issue!.id}`,
    )
    t.equal(author, fake.bot.id)
  })

  t.test(`${transport}: the answer to a refusal is judged by its number, in whatever language`, async (t) => {
    const fake = await FakeOpenPr.start(t)
    const tracker = await open(fake, { transport, states: { open: 'no such state' } })
    t.teardown(() => tracker.close())
    await t.rejects(tracker.create(draft, signal), { code: 'TRACKER_INVALID', retryable: false })
    t.ok(fake.server.requests.every(({ headers }) => headers['accept-language'] === 'en'))
  })

  t.test(`${transport}: an issue that lost its labels is filed all the same`, async (t) => {
    const fake = await FakeOpenPr.start(t)
    const tracker = await open(fake, { transport, labels: ['security'] })
    t.teardown(() => tracker.close())
    t.ok(await tracker.create(draft, signal))
  })

  t.test(`${transport}: a token that may only read is refused`, async (t) => {
    const fake = await FakeOpenPr.start(t)
    Object.assign(fake.bot, { permission: 'read' })
    const tracker = await open(fake, { transport })
    t.teardown(() => tracker.close())
    await t.rejects(tracker.create(draft, signal), { code: 'TRACKER_UNAUTHORIZED', ambiguous: false })
  })
}

t.test('mcp: nobody is mentioned by what an attacker wrote', async (t) => {
  const fake = await FakeOpenPr.start(t)
  fake.addBot('Vano', 'openclaw')
  const tracker = await open(fake, { transport: 'mcp' })
  t.teardown(() => tracker.close())
  const { ref } = await tracker.create(draft, signal)
  await tracker.comment?.(ref, 'path `/@Vano` pci00', 'pci00', signal)
  t.same(fake.comments[0]?.mentions, [])
  t.notMatch(fake.comments[0]?.body, '@Vano')
})

t.test('nothing listens: nothing was sent', async (t) => {
  const fake = await FakeOpenPr.start(t)
  const tracker = await open(fake, { base_url: 'http://127.0.0.1:1' })
  t.teardown(() => tracker.close())
  await t.rejects(tracker.create(draft, signal), {
    code: 'TRACKER_UNREACHABLE',
    retryable: true,
    ambiguous: false,
  })
})

t.test('an address that may not be reached is refused', async (t) => {
  const fake = await FakeOpenPr.start(t)
  process.env['OPENPR_TOKEN'] = fake.bot.token
  const [config] = trackersConfig.parse([
    {
      name: 'edge',
      type: 'openpr',
      base_url: 'http://127.0.0.1:1',
      project: fake.project.id,
      token: 'env:OPENPR_TOKEN',
    },
  ])
  await t.rejects(openTracker(config!, { outbound: outboundConfig.parse({}), log, now: Date.now }), {
    code: 'OUTBOUND_REFUSED',
  })
})
