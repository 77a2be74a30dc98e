import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { configSchema } from '../../../cli/config.js'
import { openCore } from '../../../incidents/core.js'
import type { Incident } from '../../../incidents/incident.js'
import { Trackers } from '../../../incidents/trackers/trackers.js'
import { WorkQueue } from '../../../incidents/work/queue.js'
import { openActionSigner } from '../../../ledger/client/action-signer.js'
import { rolePaths } from '../../../ledger/client/client.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import type { FakeOpenPr } from '../fakes/openpr.js'

export const log = pino({ level: 'silent' })
export const operator = { name: 'operator' }

/** Configuration of a tracker that is a fake OpenPR. */
export function openprConfig(fake: FakeOpenPr, name = 'edge', more: object = {}) {
  const variable = `TRACKERS_${name.toUpperCase()}`
  process.env[variable] = fake.bot.token
  return {
    name,
    type: 'openpr',
    base_url: fake.url,
    project: fake.project.id,
    token: `env:${variable}`,
    lag_seconds: 0.02,
    ...more,
  }
}

export const incident = (more: Partial<Incident> = {}): Incident => {
  const id = uuidv7(Date.now())
  return {
    id,
    fingerprint: id,
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
  }
}

/** The part of the role that trackers need: store, lifecycle and queue, real ones. */
export const startTrackers = async (t: Test, data: string, configs: object[], agents: object[] = []) => {
  const changed = new EventEmitter()
  const settings = configSchema.parse({
    incidents: { listen: '127.0.0.1:0' },
    trackers: configs,
    agents,
    outbound: { allow: ['127.0.0.0/8'] },
  })
  const clock = { offset: 0 }
  const core = await openCore({
    settings,
    folder: join(data, 'incidents'),
    signer: await openActionSigner('incidents', rolePaths(data, 'incidents').keyFile),
    now: () => Date.now() + clock.offset,
    log,
    changed: () => queue.wake(),
    unrecorded: () => t.fail('a step does not fit the ledger'),
  })
  const { store, lifecycle } = core
  const queue = new WorkQueue({ store, now: core.now, log, stepped: () => changed.emit('stepped') })
  const { outbound } = settings
  const trackers = await Trackers.open({
    store,
    lifecycle,
    configs: settings.trackers,
    outbound,
    now: core.now,
    log,
  })
  core.addReaction(trackers.reaction)
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
  /** No work of trackers waits any more. */
  const idle = async (): Promise<void> => {
    while (
      [...store.work.list()].some(({ kind, state }) => state === 'waiting' && kind.startsWith('tracker.'))
    )
      await once(changed, 'stepped')
  }
  return {
    core,
    clock,
    queue,
    store,
    lifecycle,
    trackers,
    stop,
    change: <T>(work: () => T) => core.change(work),
    idle,
    /** An incident that is filed in each tracker. */
    filed: async (): Promise<Incident> => {
      const one = incident()
      await core.change(() => {
        lifecycle.open(one, Date.now(), operator, {})
        for (const name of trackers.names) trackers.file(one.id, name)
      })
      await idle()
      return one
    },
    work: () => [...store.work.list()],
    kinds: (id: string) => store.timeline.list(id).map(({ kind }) => kind),
    comments: (id: string) =>
      store.timeline
        .list(id)
        .flatMap(({ text, facts }) => (text === undefined ? [] : [{ text, by: facts['by'] }])),
  }
}
