import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { configSchema } from '../../../cli/config.js'
import { FakeGitHub } from '../fakes/github.js'
import { FakeOpenPr } from '../fakes/openpr.js'
import { FakeTeamBoard } from '../fakes/team-board.js'
import { operator, startTrackers } from './rig.js'

for (const name of [
  'OPENPR_WEBHOOK_SECRET',
  'OPENPR_BOT_TOKEN',
  'GITHUB_WEBHOOK_SECRET',
  'DESK_WEBHOOK_SECRET',
])
  process.env[name] = 'a secret'

/** The trackers of each configuration on a page, which must be a whole and valid configuration. */
const trackersOn = async (page: string): Promise<readonly object[]> => {
  const text = await readFile(new URL(`../../../docs/incidents/${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(/```yaml\n([^]*?)```/g)].map(([, yaml = '']) => {
    const config = parse(yaml) as { trackers: object[] }
    configSchema.parse(config)
    return config.trackers[0]!
  })
}

t.test('OPENPR.md: its configuration files, comments and closes, over both transports', async (t) => {
  const [tracker] = await trackersOn('OPENPR.md')
  for (const transport of ['rest', 'mcp']) {
    const fake = await FakeOpenPr.start(t)
    fake.labels.push({ id: '11111111-1111-4111-8111-111111111111', name: 'security' })
    process.env['OPENPR_TOKEN'] = fake.bot.token
    const rig = await startTrackers(t, t.testdir(), [
      { ...tracker, transport, base_url: fake.url, project: fake.project.id },
    ])
    const one = await rig.filed()
    await rig.change(() => {
      rig.lifecycle.comment(one.id, 'seen', operator)
      rig.lifecycle.setState(one.id, 'resolved', operator)
    })
    await rig.idle()
    t.match(fake.issues, [{ state: 'done', priority: 'high' }])
    t.equal(fake.issues[0]?.labels.size, 1)
    t.equal(fake.comments.length, 1)
  }
})

t.test('GITHUB.md: its configuration files, comments and closes', async (t) => {
  const [tracker] = await trackersOn('GITHUB.md')
  const fake = await FakeGitHub.start(t)
  process.env['GITHUB_TOKEN'] = fake.token
  const rig = await startTrackers(t, t.testdir(), [{ ...tracker, base_url: fake.server.url }])
  const one = await rig.filed()
  await rig.change(() => {
    rig.lifecycle.comment(one.id, 'seen', operator)
    rig.lifecycle.setState(one.id, 'false_positive', operator)
  })
  await rig.idle()
  t.match(fake.issues, [{ state_reason: 'not_planned', labels: ['security'], assignees: ['ada'] }])
  t.equal(fake.issues[0]?.comments.length, 1)
})

for (const [page, at, delivery, comments, status] of [
  ['TEAM-BOARD.md', 0, 'at-least-once', 0, 'todo'],
  ['TEAM-BOARD.md', 1, undefined, 1, 'done'],
  ['HTTP-TRACKER.md', 0, undefined, 1, 'done'],
] as const)
  t.test(
    `${page}: configuration ${at + 1} files, and does what it says of comments and states`,
    async (t) => {
      const fake = await FakeTeamBoard.start(t)
      for (const name of ['TEAM_BOARD_TOKEN', 'DESK_TOKEN']) process.env[name] = fake.token
      const tracker = (await trackersOn(page))[at]
      const rig = await startTrackers(t, t.testdir(), [{ ...tracker, base_url: fake.server.url }])
      const one = await rig.filed()
      await rig.change(() => {
        rig.lifecycle.comment(one.id, 'seen', operator)
        rig.lifecycle.setState(one.id, 'resolved', operator)
      })
      await rig.idle()
      t.match(rig.store.get(one.id)?.issues, [{ delivery }])
      t.equal(fake.tasks.length, 1)
      t.equal(fake.tasks[0]?.comments.length, comments)
      t.equal(fake.tasks[0]?.status, status)
    },
  )
