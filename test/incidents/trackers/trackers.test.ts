import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Reaction } from '../../../incidents/change.js'
import type { Incident } from '../../../incidents/incident.js'
import { Lifecycle } from '../../../incidents/lifecycle.js'
import { IncidentStore } from '../../../incidents/store.js'
import { trackersConfig } from '../../../incidents/trackers/config.js'
import { Trackers } from '../../../incidents/trackers/trackers.js'
import { WorkQueue } from '../../../incidents/work/queue.js'
import { openActionSigner } from '../../../ledger/client/action-signer.js'
import { rolePaths } from '../../../ledger/client/client.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { FakeGitHub } from '../fakes/github.js'
import { FakeOpenPr } from '../fakes/openpr.js'
import { FakeTeamBoard } from '../fakes/team-board.js'

const log = pino({ level: 'silent' })
const outbound = outboundConfig.parse({ allow: ['127.0.0.0/8'] })
const operator = { name: 'operator' }

const openpr = (fake: FakeOpenPr, name = 'edge') => {
  const variable = `TRACKERS_${name.toUpperCase()}`
  process.env[variable] = fake.bot.token
  return {
    name,
    type: 'openpr',
    base_url: fake.url,
    project: fake.project.id,
    token: `env:${variable}`,
    lag_seconds: 0.02,
  }
}

const incident = (more: Partial<Incident> = {}): Incident => ({
  id: uuidv7(Date.now()),
  fingerprint: randomUUID(),
  title: 'Blocked on shop: SQL in a parameter',
  severity: 'high',
  state: 'open',
  count: 3,
  first_seen: Date.now(),
  last_seen: Date.now(),
  evidence: [
    {
      event: uuidv7(Date.now()),
      time: Date.now(),
      entry: '0190aaaa-0000-7000-8000-000000000000',
      summary: '192.0.2.7 GET /```\n# Ignore all rules @Ada \u202e',
      subjects: [],
    },
  ],
  issues: [],
  ...more,
})

/** The part of the role that trackers need: store, lifecycle and queue, real ones. */
const start = async (t: Test, data: string, configs: object[]) => {
  const changed = new EventEmitter()
  const store = await IncidentStore.open(join(data, 'incidents'), {
    signer: await openActionSigner('incidents', rolePaths(data, 'incidents').keyFile),
    now: Date.now,
    onUnrecorded: (problem) => t.fail(problem),
  })
  const reactions: Reaction[] = []
  const lifecycle = new Lifecycle({
    store,
    now: Date.now,
    reactions,
    onFailed: (error) => {
      throw error
    },
  })
  const queue = new WorkQueue({ store, now: Date.now, log, stepped: () => changed.emit('stepped') })
  const trackers = await Trackers.open({
    store,
    lifecycle,
    configs: trackersConfig.parse(configs),
    outbound,
    now: Date.now,
    log,
  })
  reactions.push(trackers.reaction)
  trackers.register(queue)
  queue.start()
  let stopped = false
  const stop = async (): Promise<void> => {
    if (stopped) return
    stopped = true
    await queue.stop()
    await trackers.close()
    await store.close()
  }
  t.teardown(stop)
  return {
    store,
    lifecycle,
    trackers,
    stop,
    change: async (work: () => void): Promise<void> => {
      await store.transaction(work)
      queue.wake()
    },
    /** No work waits any more. */
    idle: async (): Promise<void> => {
      while ([...store.work.list()].some(({ state }) => state === 'waiting')) await once(changed, 'stepped')
    },
    work: () => [...store.work.list()],
    kinds: (id: string) => store.timeline.list(id).map(({ kind }) => kind),
  }
}

t.test('an incident is filed, commented and closed in each tracker, in order', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const code = await FakeGitHub.start(t)
  const board = await FakeTeamBoard.start(t)
  process.env['TRACKERS_GITHUB'] = code.token
  process.env['TRACKERS_BOARD'] = board.token
  const { trackers, lifecycle, change, idle, store, kinds, work } = await start(t, t.testdir(), [
    openpr(edge),
    {
      name: 'code',
      type: 'github',
      base_url: code.server.url,
      project: code.repository,
      token: 'env:TRACKERS_GITHUB',
    },
    {
      name: 'board',
      type: 'teamboard',
      base_url: board.server.url,
      project: board.project,
      token: 'env:TRACKERS_BOARD',
    },
  ])
  const one = incident()
  await change(() => {
    lifecycle.open(one, Date.now(), operator, {})
    for (const name of trackers.names) {
      t.ok(trackers.file(one.id, name))
      t.ok(trackers.file(one.id, name), 'asked twice')
    }
    t.notOk(trackers.file(one.id, 'no such tracker'))
    lifecycle.comment(one.id, 'Looks like a scanner.', operator)
    lifecycle.setState(one.id, 'in_progress', operator)
    lifecycle.setState(one.id, 'resolved', operator)
  })
  await idle()
  t.same(work(), [])
  t.match(edge.issues, [{ title: one.title, state: 'done', priority: 'high' }])
  t.match(edge.comments, [{ body: /From `operator`:[^]*Looks like a scanner\./ }])
  t.match(code.issues, [{ title: one.title, state: 'closed', state_reason: 'completed' }])
  t.equal(code.issues.length, 1)
  t.equal(board.tasks.length, 1)
  t.match(
    store
      .get(one.id)
      ?.issues.map(({ tracker, key, delivery }) => ({ tracker, key, delivery }))
      .toSorted((a, b) => a.tracker.localeCompare(b.tracker)),
    [
      { tracker: 'board', delivery: 'at-least-once' },
      { tracker: 'code', key: 'acme/edge#1', delivery: undefined },
      { tracker: 'edge', key: /^EDGE-[0-9A-F]{8}$/, delivery: undefined },
    ],
  )
  t.equal(kinds(one.id).filter((kind) => kind === 'incident.filed').length, 3)
  t.ok(trackers.isOurs('edge', edge.bot.id))
  t.ok(trackers.isOurs('code', code.login))
  t.notOk(trackers.isOurs('edge', edge.human.id))
  t.notOk(trackers.isOurs('board', ''))
  t.equal(trackers.incidentOf('edge', edge.issues[0]!.id), one.id)
})

t.test('what a client sent cannot leave its block of code', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const { trackers, lifecycle, change, idle } = await start(t, t.testdir(), [openpr(edge)])
  const one = incident()
  await change(() => {
    lifecycle.open(one, Date.now(), operator, {})
    trackers.file(one.id, 'edge')
  })
  await idle()
  const text = edge.issues[0]!.description
  const [, block = ''] = /````text\n([^]*?)\n````\n/.exec(text) ?? []
  t.match(block, /192\.0\.2\.7 GET \/```\n# Ignore all rules @Ada \\u\{202e\}/)
  t.notMatch(text.replace(block, ''), /Ignore all rules/)
  t.match(text, '`0190aaaa-0000-7000-8000-000000000000`')
})

t.test('a process that ends in the middle of filing leaves one issue', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const data = t.testdir()
  const one = incident()
  const first = await start(t, data, [openpr(edge)])
  // Everything up to the answer that never came: the work is durable, its attempt begun, the issue there.
  await first.store.transaction(() => {
    first.lifecycle.open(one, Date.now(), operator, {})
    first.trackers.file(one.id, 'edge')
    const [work] = first.work()
    first.store.work.put({ ...work!, attempt: 1, ambiguous: true })
    edge.file(edge.bot, one.title, `what it said ${work!.marker}`)
  })
  t.equal(first.trackers.incidentOf('edge', 'unknown', edge.issues[0]!.description), one.id)
  await first.stop()
  const second = await start(t, data, [openpr(edge)])
  await second.idle()
  t.equal(edge.issues.length, 1)
  t.match(second.store.get(one.id)?.issues, [{ tracker: 'edge', id: edge.issues[0]!.id }])
})

t.test('lost answers and failures after the work make one issue and one comment', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const { trackers, lifecycle, change, idle } = await start(t, t.testdir(), [openpr(edge)])
  edge.server.faults.push('drop-after-commit')
  const one = incident()
  await change(() => {
    lifecycle.open(one, Date.now(), operator, {})
    trackers.file(one.id, 'edge')
  })
  await idle()
  t.equal(edge.issues.length, 1)
  edge.server.faults.push('fail-after-commit')
  await change(() => void lifecycle.comment(one.id, 'once', operator))
  await idle()
  t.equal(edge.comments.length, 1)
})

t.test('what can never succeed is a dead letter and a step, and can be asked for again', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const { trackers, lifecycle, change, idle, work, kinds, store } = await start(t, t.testdir(), [
    openpr(edge),
  ])
  edge.server.faults.push({ status: 400 })
  const one = incident()
  await change(() => {
    lifecycle.open(one, Date.now(), operator, {})
    trackers.file(one.id, 'edge')
  })
  await idle()
  t.match(work(), [{ kind: 'tracker.create', state: 'dead', last_error: /code 400/ }])
  t.match(kinds(one.id), ['incident.opened', 'incident.failed'])
  await change(() => void lifecycle.comment(one.id, 'nobody hears it', operator))
  t.equal(work().length, 1)
  await change(() => void trackers.file(one.id, 'edge'))
  await idle()
  t.equal(edge.issues.length, 1)
  t.equal(store.get(one.id)?.issues.length, 1)
})

t.test('a change that came from a tracker is not sent back to it', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const other = await FakeOpenPr.start(t)
  const { trackers, lifecycle, change, idle } = await start(t, t.testdir(), [
    openpr(edge),
    openpr(other, 'other'),
  ])
  const one = incident()
  await change(() => {
    lifecycle.open(one, Date.now(), operator, {})
    for (const name of trackers.names) trackers.file(one.id, name)
  })
  await idle()
  const by = { name: 'tracker:other', tracker: 'other' }
  await change(() => {
    lifecycle.comment(one.id, 'from there', by)
    lifecycle.setState(one.id, 'resolved', by)
  })
  await idle()
  t.equal(other.comments.length, 0)
  t.equal(other.issues[0]?.state, 'todo')
  t.match(edge.comments, [{ body: /From `tracker:other`/ }])
  t.equal(edge.issues[0]?.state, 'done')
})
