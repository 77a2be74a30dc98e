import { once } from 'node:events'
import { EventEmitter } from 'node:events'
import t, { type Test } from 'tap'
import type { Core } from '../../../incidents/core.js'
import { WorkQueue } from '../../../incidents/work/queue.js'
import { backOff, dead, done, retry } from '../../../incidents/work/work.js'
import type { Outcome, Work } from '../../../incidents/work/work.js'
import { openIncident, openTestCore, silent } from '../fixtures/core.js'

interface Seen {
  readonly work: Work
  readonly resumed: boolean
}

/** A queue whose handler of kind `x.do` answers as it is told, and who saw what. */
const startQueue = async (
  t: Test,
  core: Core,
  answer: (work: Work, signal: AbortSignal) => Outcome | Promise<Outcome>,
  options = {},
) => {
  const seen: Seen[] = []
  const events = new EventEmitter()
  // A clock that only tests move makes pauses end at once: what is due is due.
  const queue = new WorkQueue({
    store: core.store,
    now: core.now,
    log: silent,
    stepped: () => events.emit('ended'),
    random: () => 0,
  })
  queue.register(
    'x.do',
    async (work, { resumed, signal }) => {
      seen.push({ work, resumed })
      events.emit('seen')
      return answer(work, signal)
    },
    options,
  )
  queue.start()
  let stopped = false
  const stop = async (): Promise<void> => {
    if (!stopped) await queue.stop()
    stopped = true
  }
  t.teardown(stop)
  return {
    queue,
    seen,
    stop,
    until: async (what: () => boolean): Promise<void> => {
      while (!what()) await Promise.race([once(events, 'ended'), once(events, 'seen')])
    },
  }
}

const add = (core: Core, incident: string, target: string, body: unknown = {}) =>
  core.change(() => core.store.work.add({ incident, kind: 'x.do', target, body }, core.now()))

const counted = (core: Core): number => [...core.store.work.list()].length

t.test('work is done in order per incident and target, and otherwise at the same time', async (t) => {
  const core = await openTestCore(t)
  const [one, two] = [await openIncident(core), await openIncident(core)]
  for (let at = 0; at < 5; at++) {
    await add(core, one.id, 'a', at)
    await add(core, two.id, 'a', at)
    await add(core, one.id, 'b', at)
  }
  const gate: (() => void)[] = []
  const { until, seen, stop } = await startQueue(t, core, async () => {
    if (gate.length < 3) {
      await new Promise<void>((resolve) => {
        gate.push(resolve)
        if (gate.length === 3) for (const open of gate) open()
      })
    }
    return done()
  })
  await until(() => counted(core) === 0)
  await stop()
  for (const [incident, target] of [
    [one.id, 'a'],
    [two.id, 'a'],
    [one.id, 'b'],
  ])
    t.strictSame(
      seen
        .filter(({ work }) => work.incident === incident && work.target === target)
        .map(({ work }) => work.body),
      [0, 1, 2, 3, 4],
    )
  t.equal(gate.length, 3, 'three lanes ran at once, or none would have gone on')
  t.equal(core.store.work.waiting(one.id), 0)
  await core.store.close()
})

t.test('what an outcome writes and the end of the work are one transaction', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  await add(core, id, 'a')
  let attempts = 0
  const { until, stop, queue } = await startQueue(t, core, () =>
    done(() => {
      core.store.table<string>('effects').putSync(`effect-${++attempts}`, 'done')
      if (attempts === 1) throw new Error('the store fails')
    }),
  )
  await until(() => attempts === 1)
  const wake = setInterval(() => queue.wake(), 50)
  await until(() => counted(core) === 0)
  clearInterval(wake)
  await stop()
  t.strictSame([...core.store.table<string>('effects').getKeys({})], ['effect-2'], 'the first was undone')
  await core.store.close()
})

t.test('a marker is durable before the first attempt, and an attempt cut off is told to look', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  const { marker } = await add(core, id, 'a')
  t.match(marker, /^[0-9a-f]{32}$/)
  const first = await startQueue(t, core, ({ attempt }) => {
    const kept = [...core.store.work.list()][0]
    t.match(kept, { marker, attempt, ambiguous: true }, 'the intent is on disk while the attempt runs')
    return retry('cut off', { after: 0 })
  })
  await first.until(() => first.seen.length >= 2)
  await first.stop()
  t.strictSame(
    first.seen.slice(0, 2).map(({ resumed, work }) => [resumed, work.marker === marker]),
    [
      [false, true],
      [true, true],
    ],
  )
  await core.store.close()
})

t.test('an attempt that certainly had no effect does not make the next one look', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  await add(core, id, 'a')
  const { until, seen, stop } = await startQueue(t, core, ({ attempt }) =>
    attempt === 1 ? retry('busy', { after: 0, untouched: true }) : done(),
  )
  await until(() => counted(core) === 0)
  await stop()
  t.strictSame(
    seen.map(({ resumed }) => resumed),
    [false, false],
  )
  await core.store.close()
})

t.test('what can never succeed becomes a dead letter and a step, and lets the others pass', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  await add(core, id, 'a', 'never')
  await add(core, id, 'a', 'fine')
  await core.change(() => core.store.work.add({ incident: id, kind: 'nobody.does', target: 'b' }, core.now()))
  const { until, stop, queue, seen } = await startQueue(t, core, ({ body, attempt }) =>
    body === 'never' && attempt === 1 ? dead('refused for good') : done(),
  )
  await until(() => core.store.work.waiting(id) === 0)
  const letters = [...core.store.work.list()]
  t.match(letters, [
    { state: 'dead', body: 'never', last_error: 'refused for good' },
    { state: 'dead', kind: 'nobody.does' },
  ])
  const steps = core.store.timeline
    .list(id)
    .map(({ kind, facts: { error = '' } }) => `${kind} ${typeof error === 'string' ? error : ''}`)
  t.strictSame(steps.toSorted(), [
    'incident.failed nothing here does nobody.does',
    'incident.failed refused for good',
    'incident.opened ',
  ])
  const [letter] = letters
  if (!letter) return
  await core.change(() => core.store.work.put({ ...letter, state: 'waiting', due: 0 }))
  queue.revive(letter.id)
  await until(() => core.store.work.get(letter.id) === undefined)
  await stop()
  t.equal(seen.at(-1)?.resumed, true, 'nobody knows what the refused attempt did')
  await core.store.close()
})

t.test('attempts are bounded, but not those that the other side asked to come again', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  await add(core, id, 'a')
  const patient = await startQueue(
    t,
    core,
    ({ attempt }) => (attempt < 6 ? retry('later', { after: 0 }) : retry('broken')),
    { maxAttempts: 3 },
  )
  await patient.until(() => core.store.work.waiting(id) === 0)
  await patient.stop()
  t.match([...core.store.work.list()], [{ state: 'dead', attempt: 8, failures: 3, last_error: 'broken' }])
  await core.store.close()
})

t.test('nothing waits behind work that was taken back', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  const { until, stop, queue, seen } = await startQueue(t, core, () => done())
  const timer = await core.change(() =>
    core.store.work.add(
      { incident: id, kind: 'x.do', target: 'timer', body: 'first', due: core.now() + 3_600_000 },
      core.now(),
    ),
  )
  queue.wake()
  while (queue.backlog.length === 0) await new Promise(setImmediate)
  await core.change(() => {
    core.store.work.remove(timer.id)
    core.store.work.add({ incident: id, kind: 'x.do', target: 'timer', body: 'second' }, core.now())
  })
  queue.wake()
  await until(() => counted(core) === 0)
  t.strictSame(
    seen.map(({ work }) => work.body),
    ['second'],
  )
  await stop()
  t.strictSame(queue.backlog, [], 'and it is not counted')
  await core.store.close()
})

t.test('nothing waits behind work that is taken back while it is tried', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  const first = await add(core, id, 'a', 'first')
  await add(core, id, 'a', 'second')
  const { until, stop, seen } = await startQueue(t, core, async ({ body }) => {
    if (body === 'second') return done()
    await core.change(() => core.store.work.remove(first.id))
    return retry('too late', { after: 3_600_000 })
  })
  await until(() => counted(core) === 0)
  await stop()
  t.strictSame(
    seen.map(({ work }) => work.body),
    ['first', 'second'],
  )
  await core.store.close()
})

t.test('a target that fails is tried by one at a time', async (t) => {
  const core = await openTestCore(t)
  for (let at = 0; at < 20; at++) await add(core, (await openIncident(core)).id, 'down')
  await add(core, (await openIncident(core)).id, 'up')
  const { until, stop, seen } = await startQueue(t, core, ({ target }) =>
    target === 'down' ? retry('unreachable') : done(),
  )
  await until(() => seen.some(({ work }) => work.target === 'up') && seen.length >= 5)
  await stop()
  t.equal(seen.length, 5, 'four at once found it down, the others wait')
  await core.store.close()
})

t.test('pauses double up to an hour', async (t) => {
  t.strictSame(
    [1, 2, 3, 13, 1000].map((attempts) => backOff(attempts, 0)),
    [1000, 2000, 4000, 3_600_000, 3_600_000],
  )
  t.equal(backOff(1, 1), 1100)
})
