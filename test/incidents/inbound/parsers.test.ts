import fc from 'fast-check'
import t from 'tap'
import { WebhookError } from '../../../incidents/inbound/errors.js'
import { githubParser } from '../../../incidents/inbound/github-event.js'
import type { NoticeParser } from '../../../incidents/inbound/notice.js'
import { OPENPR_EVENTS, openprParser } from '../../../incidents/inbound/openpr-event.js'
import { plainParser } from '../../../incidents/inbound/plain-event.js'
import {
  trackersConfig,
  type GitHubConfig,
  type OpenPrConfig,
  type TeamBoardConfig,
} from '../../../incidents/trackers/config.js'
import { growth } from '../../proofs/random.js'

const [openpr, github, board] = trackersConfig.parse([
  {
    name: 'a',
    type: 'openpr',
    base_url: 'http://a',
    project: '11111111-1111-4111-8111-111111111111',
    token: 'env:A',
  },
  { name: 'b', type: 'github', project: 'acme/edge', token: 'env:A' },
  { name: 'c', type: 'teamboard', base_url: 'http://c', project: 'p', token: 'env:A' },
]) as [OpenPrConfig, GitHubConfig, TeamBoardConfig]

const time = '2026-11-21T16:00:00.123456789+00:00'
const issue = {
  id: 'i',
  key: 'K',
  title: 't',
  description: 'd',
  state: 'done',
  assignee_ids: ['x'],
  label_ids: [],
}
const seeds: readonly (readonly [string, NoticeParser, object])[] = [
  ...Object.keys(OPENPR_EVENTS).map((event): readonly [string, NoticeParser, object] => [
    `openpr ${event}`,
    openprParser(openpr),
    {
      id: 'one',
      event,
      timestamp: time,
      project: { id: 'p', name: 'P', key: 'K' },
      actor: { id: 'u', name: 'Ada', email: 'e', entity_type: 'human' },
      data: {
        issue,
        changes: { state: { old: 'todo', new: 'done' } },
        comment: { id: 'c', content: 'x', author_id: 'u', author_name: 'Ada' },
        mentions: ['x'],
        label: { id: 'l', name: 'bug', color: '' },
        sprint: { id: 's', name: 'One', status: 'active' },
      },
      bot_context: { is_bot_task: true, bot_id: 'x', bot_name: 'b', bot_agent_type: 'cli' },
    },
  ]),
  [
    'openpr AI task',
    openprParser(openpr),
    {
      task_id: 'one',
      project_id: 'p',
      ai_participant_id: 'x',
      ai_participant_name: 'x',
      ai_participant_agent_type: 'cli',
      task_type: 'issue_assigned',
      reference_type: 'work_item',
      reference_id: 'i',
      payload: {},
      attempts: 1,
      max_attempts: 3,
      trigger_kind: 'assigned',
    },
  ],
  [
    'github',
    githubParser(github),
    {
      action: 'created',
      repository: { full_name: 'acme/edge' },
      sender: { login: 'ada' },
      issue: { number: 1, body: 'x', state: 'open', state_reason: null, updated_at: time },
      comment: { body: 'x', updated_at: time },
    },
  ],
  [
    'plain',
    plainParser(board),
    {
      id: 'one',
      timestamp: time,
      event: 'comment.created',
      issue: { id: 'i', state: 'done' },
      comment: { text: 'x' },
    },
  ],
]
const headers = { 'x-webhook-delivery': 'one', 'x-github-event': 'issue_comment' }

t.test('what trackers send is understood', async (t) => {
  for (const [name, parse, body] of seeds) {
    const notice = parse(body, Buffer.from(JSON.stringify(body)), headers)
    t.equal(notice.time, name === 'openpr AI task' ? undefined : Date.parse('2026-11-21T16:00:00.123Z'), name)
    t.notOk(notice.unknown, name)
  }
})

/** One member somewhere in a value is put in place of, taken away or doubled in depth. */
const damaged = (value: unknown, at: number, by: unknown): unknown => {
  let left = at
  const visit = (node: unknown): unknown => {
    if (left-- === 0) return by
    if (Array.isArray(node)) return node.map(visit)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, visit(item)]))
  }
  return visit(value)
}

t.test('whatever stands in a body, it is understood or refused as malformed', async () => {
  for (const [, parse, body] of seeds)
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.oneof(fc.anything(), fc.jsonValue(), fc.string({ unit: 'binary' })),
        (at, by) => {
          try {
            parse(damaged(body, at, by), Buffer.alloc(0), headers)
          } catch (error) {
            if (!(error instanceof WebhookError) || error.code !== 'WEBHOOK_MALFORMED') throw error
          }
        },
      ),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
    )
})

const refusedOrNot = (parse: () => unknown): void => {
  try {
    parse()
  } catch {
    return
  }
}

t.test('a body of any length takes linear time', async (t) => {
  for (const [name, parse, body] of seeds.slice(-4))
    for (const piece of ['x', '0', '\u0000', '-'])
      t.ok(
        growth((n) => {
          const long = JSON.parse(
            JSON.stringify(body).replaceAll('"x"', JSON.stringify(piece.repeat(n))),
          ) as unknown
          return () => {
            for (let i = 0; i < 200; i++) refusedOrNot(() => parse(long, Buffer.alloc(0), headers))
          }
        }, 100_000) < 12,
        `${name} ${JSON.stringify(piece)}`,
      )
  const [, , many] = seeds[0]!
  t.ok(
    growth((n) => {
      const data = { issue: { ...issue, assignee_ids: Array.from({ length: n }, () => 'x') } }
      return () => {
        refusedOrNot(() => openprParser(openpr)({ ...many, data }, Buffer.alloc(0), headers))
      }
    }, 20_000) < 12,
    'many assignees',
  )
})
