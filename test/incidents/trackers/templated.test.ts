import { pino } from 'pino'
import t, { type Test } from 'tap'
import { trackersConfig } from '../../../incidents/trackers/config.js'
import { openTracker } from '../../../incidents/trackers/open.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { trackerConformance } from '../../conformance/tracker.js'
import { FakeTeamBoard } from '../fakes/team-board.js'

const outbound = outboundConfig.parse({ allow: ['127.0.0.0/8'] })
const log = pino({ level: 'silent' })
process.env['BOARD_WRONG'] = 'wrong-secret'

const open = async (fake: FakeTeamBoard, more: object = {}, now: () => number = Date.now) => {
  process.env['BOARD_TOKEN'] = fake.token
  const [config] = trackersConfig.parse([
    {
      name: 'board',
      type: 'teamboard',
      base_url: fake.server.url,
      project: fake.project,
      token: 'env:BOARD_TOKEN',
      ...more,
    },
  ])
  return openTracker(config!, { outbound, log, now })
}

const writes = {
  comment: { path: '/tasks/{{id}}/comments', body: { text: '{{text}}' } },
  state: { path: '/tasks/{{id}}', body: { status: '{{state}}' } },
  states: { open: 'todo', resolved: 'done' },
}
const reads = {
  find: { path: '/tasks/?q={{marker}}', items: '/tasks', text: '/description' },
  comments: { path: '/tasks/{{id}}/comments', text: '/text' },
}
const create = {
  path: '/tasks/',
  body: { title: '{{title}}', description: '{{body}}', project_id: '{{project}}', priority: '{{severity}}' },
}

for (const [name, more] of [
  ['teamboard without reads', writes],
  ['teamboard with reads', { ...writes, ...reads }],
  ['http with reads', { type: 'http', create, ...writes, ...reads }],
] as const)
  trackerConformance(name, async (t: Test, options) => {
    const fake = await FakeTeamBoard.start(t, options)
    return {
      tracker: await open(fake, { ...more, lag_seconds: options.lagMs / 1000 }, options.now),
      server: fake.server,
      issues: () =>
        fake.tasks.map(({ title, description, status }) => ({ title, body: description, state: status })),
      comments: () => fake.tasks.flatMap(({ comments }) => comments.map(({ text }) => text)),
      states: { open: 'todo', resolved: 'done' },
      wrongToken: () => open(fake, { ...more, token: 'env:BOARD_WRONG' }),
    }
  })

const draft = {
  title: 'A title',
  body: '"}, {"project_id": "other", "x": "{{marker}} pci00',
  severity: 'high',
  state: 'open',
  marker: 'pci00',
} as const
const { signal } = new AbortController()

t.test('the default route makes a task of title, description, project_id and priority', async (t) => {
  const fake = await FakeTeamBoard.start(t)
  const tracker = await open(fake)
  t.teardown(() => tracker.close())
  const { ref } = await tracker.create(draft, signal)
  t.match(fake.server.requests, [
    {
      method: 'POST',
      path: '/tasks/',
      body: { title: 'A title', description: draft.body, project_id: fake.project, priority: 'high' },
    },
  ])
  t.same(ref, {
    tracker: 'board',
    id: fake.tasks[0]!.id,
    key: fake.tasks[0]!.id,
    url: fake.server.url,
    delivery: 'at-least-once',
  })
  t.equal(tracker.delivery, 'at-least-once')
  for (const name of ['comment', 'setState', 'find'] as const)
    t.equal(tracker[name], undefined, 'what is not configured is not offered')
})

t.test('an id that a tracker answers with leaves neither the path nor the server', async (t) => {
  const fake = await FakeTeamBoard.start(t)
  const tracker = await open(fake, writes)
  t.teardown(() => tracker.close())
  const ref = (id: string) => ({ tracker: 'board', id, key: 'x', url: 'x' })
  await t.rejects(tracker.setState!(ref('../../admin?x=1#'), 'open', signal), { code: 'TRACKER_NOT_FOUND' })
  t.equal(fake.server.requests.at(-1)?.path, '/tasks/..%2F..%2Fadmin%3Fx%3D1%23')
  await t.rejects(tracker.setState!(ref('..'), 'open', signal), { code: 'TRACKER_INVALID' })
})

t.test('an answer without what is looked for is told as that', async (t) => {
  const fake = await FakeTeamBoard.start(t)
  const tracker = await open(fake, {
    create: { id: '/no/such' },
    find: { path: '/tasks/', items: '/nothing', text: '/description' },
  })
  t.teardown(() => tracker.close())
  await t.rejects(tracker.create(draft, signal), { code: 'TRACKER_ANSWER', ambiguous: true })
  await t.rejects(tracker.find!({ marker: 'pci00', since: 0 }, signal), {
    code: 'TRACKER_ANSWER',
    ambiguous: false,
  })
})

t.test('the token goes in the header that is configured', async (t) => {
  const fake = await FakeTeamBoard.start(t)
  const tracker = await open(fake, { authorization: { header: 'X-Api-Key', scheme: '' } })
  t.teardown(() => tracker.close())
  await t.rejects(tracker.create(draft, signal), { code: 'TRACKER_UNAUTHORIZED' })
  t.equal(fake.server.requests[0]?.headers['x-api-key'], fake.token)
})
