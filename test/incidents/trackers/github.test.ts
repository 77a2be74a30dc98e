import { pino } from 'pino'
import t, { type Test } from 'tap'
import { trackersConfig } from '../../../incidents/trackers/config.js'
import { openTracker } from '../../../incidents/trackers/open.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { trackerConformance } from '../../conformance/tracker.js'
import { FakeGitHub } from '../fakes/github.js'

const outbound = outboundConfig.parse({ allow: ['127.0.0.0/8'] })
const log = pino({ level: 'silent' })
process.env['GITHUB_WRONG'] = 'wrong-secret'

const open = async (fake: FakeGitHub, more: object = {}, now: () => number = Date.now) => {
  process.env['GITHUB_TOKEN'] = fake.token
  const [config] = trackersConfig.parse([
    {
      name: 'code',
      type: 'github',
      base_url: fake.server.url,
      project: fake.repository,
      token: 'env:GITHUB_TOKEN',
      ...more,
    },
  ])
  return openTracker(config!, { outbound, log, now })
}

trackerConformance('github', async (t: Test, options) => {
  const fake = await FakeGitHub.start(t, options)
  return {
    tracker: await open(fake, { lag_seconds: options.lagMs / 1000 }, options.now),
    server: fake.server,
    issues: () => fake.issues,
    comments: () => fake.issues.flatMap(({ comments }) => comments.map(({ body }) => body)),
    states: { open: 'open', resolved: 'closed' },
    wrongToken: () => open(fake, { token: 'env:GITHUB_WRONG' }),
  }
})

const draft = {
  title: 'A title',
  body: 'seen pci00',
  severity: 'high',
  state: 'open',
  marker: 'pci00',
} as const
const { signal } = new AbortController()

t.test('sends labels and assignees, and tells why an issue was closed', async (t) => {
  const fake = await FakeGitHub.start(t)
  const tracker = await open(fake, { labels: ['security'], assignees: ['ada'] })
  t.teardown(() => tracker.close())
  const { ref, author } = await tracker.create(draft, signal)
  t.match(ref, { id: '1', key: 'acme/edge#1', url: 'https://github.com/acme/edge/issues/1' })
  t.equal(author, 'portcullis-bot')
  t.match(fake.issues, [{ labels: ['security'], assignees: ['ada'] }])
  await tracker.setState?.(ref, 'false_positive', signal)
  t.match(fake.issues, [{ state: 'closed', state_reason: 'not_planned' }])
  await tracker.assign?.(ref, 'grace', signal)
  t.same(fake.issues[0]?.assignees, ['ada', 'grace'])
})

t.test('rate limits are waited for as long as GitHub says', async (t) => {
  const fake = await FakeGitHub.start(t)
  const now = 1_800_000_000_000
  const tracker = await open(fake, {}, () => now)
  t.teardown(() => tracker.close())
  fake.server.faults.push(
    { status: 403, headers: { 'retry-after': '30' } },
    { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1800000060' } },
    { status: 429, headers: { 'retry-after': new Date(now + 5000).toUTCString() } },
    { status: 429, headers: { 'retry-after': '999999' } },
  )
  for (const retryAfterMs of [30_000, 60_000, 5000, 3_600_000])
    await t.rejects(tracker.create(draft, signal), { code: 'TRACKER_BUSY', retryAfterMs, ambiguous: false })
})

t.test('a redirect is not followed, the token stays', async (t) => {
  const fake = await FakeGitHub.start(t)
  const tracker = await open(fake)
  t.teardown(() => tracker.close())
  fake.server.faults.push({ status: 301, headers: { location: 'http://127.0.0.1:1/' } })
  await t.rejects(tracker.create(draft, signal), { code: 'TRACKER_ANSWER', retryable: false })
  t.equal(fake.server.requests.length, 1)
})

t.test('the marker is looked for on many pages, and not in pull requests', async (t) => {
  const fake = await FakeGitHub.start(t)
  const tracker = await open(fake)
  t.teardown(() => tracker.close())
  const { ref } = await tracker.create(draft, signal)
  fake.add('a pull request with pci00', true)
  for (let i = 0; i < 120; i++) fake.add('noise')
  const intent = { marker: 'pci00', since: Date.now() }
  t.match(await tracker.find?.(intent, signal), { ref })
  for (let i = 0; i < 1000; i++) fake.add('noise')
  await t.rejects(tracker.find!({ ...intent, marker: 'pci01' }, signal), { code: 'TRACKER_READ_LIMIT' })
})

t.test('a body that is too long keeps its marker', async (t) => {
  const fake = await FakeGitHub.start(t)
  const tracker = await open(fake)
  t.teardown(() => tracker.close())
  await tracker.create({ ...draft, body: `${'x'.repeat(100_000)}pci00` }, signal)
  t.ok(fake.issues[0]!.body.length <= 65_536)
  t.match(fake.issues[0]!.body, /pci00$/)
})
