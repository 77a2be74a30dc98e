import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ActionSigner } from '../ledger/client/action-signer.js'
import type { LedgerRecorder } from '../ledger/client/types.js'
import { serveSocket, serveTcp } from '../runtime/api/server.js'
import type { ApiServer } from '../runtime/api/server.js'
import { messageOf } from '../runtime/errors.js'
import { EVENT_TYPES, isCommandEvent, type Event } from '../runtime/events.js'
import { splitHostPort } from '../runtime/host-port.js'
import type { OutboxItem, Topic } from '../runtime/outbox.js'
import { readSecret } from '../runtime/secret.js'
import { openAgents } from './agents/agents.js'
import { answering } from './answers/connector.js'
import { openAlerts } from './alerts/alerts.js'
import { IncidentApi, SOCKET_NAME } from './api/api.js'
import type { TokenHolder } from './api/api.js'
import { incidentRoutes } from './api/incidents.js'
import type { Route } from './api/route.js'
import { serviceRoutes } from './api/service.js'
import type { Connector, ConnectorDeps } from './connector.js'
import { claim, release } from './claim.js'
import { openCore } from './core.js'
import type { Core, IncidentsSettings } from './core.js'
import { defaultFiling } from './default-filing.js'
import { catchUp } from './deferred.js'
import { IncidentError } from './errors.js'
import { matterOf } from './fingerprint.js'
import { openWebhooks } from './inbound/connector.js'
import { incidentMetrics } from './metrics.js'
import { EntryRecorder } from './recorder.js'
import { RepeatGauge } from './repeats.js'
import { StormGauge } from './storm.js'
import { takeIn } from './take-in.js'
import { Trackers } from './trackers/trackers.js'
import { DeadLetters } from './work/dead-letters.js'
import { WorkQueue } from './work/queue.js'

export interface IncidentsDeps {
  /** Records what belongs to no incident, in the session of the role. */
  readonly recorder: Pick<LedgerRecorder, 'record' | 'flush'>
  readonly settings: IncidentsSettings
  /** `<data>/incidents`. */
  readonly folder: string
  readonly events: Topic
  /** Topic `ledger` of the outbox. */
  readonly ledger: Topic
  readonly commands: ConnectorDeps['commands']
  readonly signer: ActionSigner
  readonly now: () => number
  readonly log: Logger
}

export interface Incidents {
  /** `HOST:PORT` of `incidents.listen`, with the port that was taken. */
  readonly listen?: string
  /** Resolves once every event published before has been taken in and its steps are durable in the outbox. */
  settled(): Promise<void>
  /** Readiness checks by name. */
  readonly checks: Readonly<Record<string, () => string | undefined>>
  metrics(): string
  close(): Promise<void>
}

/** How long events that waited for the role may keep it from serving. */
const LONGEST_TAKE_IN_MS = 5000

/** Starts the role: events become incidents, what follows from them is done, each step goes to the ledger. */
export async function startIncidents(deps: IncidentsDeps): Promise<Incidents> {
  const { settings, folder, log, now, signer } = deps
  const tallies = { events: 0, unreadable: 0, unrecorded: 0 }
  const changed = (): void => {
    queue.wake()
    void recorder.record()
  }
  const unrecorded = (): void => void tallies.unrecorded++
  const core = await openCore({ settings, folder, signer, now, log, changed, unrecorded })
  const { store } = core
  const recorder = new EntryRecorder({ store, topic: deps.ledger, log })
  const queue = new WorkQueue({ store, now, log, stepped: () => void recorder.record() })
  await core
    .change(() => claim(store))
    .catch(async (error: unknown) => {
      await store.close()
      throw error
    })
  const deadLetters = new DeadLetters({ store, limits: settings.incidents.dead_letters, now, log })
  const storms = new StormGauge(store.table('storms'), settings.incidents.storm)
  const counts = settings.playbooks.map(({ match }) => match.count)
  const repeats = new RepeatGauge(store.table('repeats'), counts)

  let server: ApiServer | undefined
  const publicUrl = (): string =>
    settings.incidents.public_url ?? (server ? `http://${server.address}` : 'http://localhost')
  const connectorDeps: ConnectorDeps = {
    core,
    folder,
    commands: deps.commands,
    publicUrl,
    recorder: deps.recorder,
    log,
  }
  const connectors = await openConnectors(connectorDeps)
  for (const { reaction, register } of connectors) {
    if (reaction) core.addReaction(reaction)
    register?.(queue)
  }

  const checks = { steps: () => recorder.problem }
  const metrics = (): string =>
    incidentMetrics(store, queue, tallies) +
    connectors.map((connector) => connector.metrics?.() ?? '').join('')
  const routes: readonly Route[] = [
    ...incidentRoutes(core, (work) => queue.revive(work)),
    ...connectors.flatMap((connector) => connector.routes ?? []),
    ...serviceRoutes({ problems: () => failing(checks), metrics, routes: () => routes }),
  ]
  const api = new IncidentApi(routes, await readTokens(settings), (error) =>
    log.error({ err: error }, 'a request to the incidents failed'),
  )
  const handle = async (items: readonly OutboxItem[]): Promise<void> => {
    await core.change(() => {
      for (const item of items) {
        if (item.seq <= store.position) continue
        takeItem(item)
        store.position = item.seq
      }
    })
  }
  const takeItem = (item: OutboxItem): void => {
    const event = parse(item, log)
    if (!event) tallies.unreadable++
    else if (isCommandEvent(event)) for (const { commandEvent } of connectors) commandEvent?.(event)
    else takeIn(event, { core, storms, repeats })
    tallies.events++
  }
  // Before anybody can change more: what follows is decided in the order of the changes.
  await catchUp(core)
  // Nor is anybody told that there is nothing while it only has not been read yet.
  const consumer = deps.events.consume('incidents', handle)
  await Promise.race([consumer.drained(), pause(LONGEST_TAKE_IN_MS, undefined, { ref: false })])
  const socket = await serveSocket(api, folder, SOCKET_NAME)
  if (settings.incidents.listen !== undefined) {
    const upgrades = Object.assign({}, ...connectors.map((connector) => connector.upgrades ?? {}))
    server = await serveTcp(api, {
      ...splitHostPort(settings.incidents.listen),
      setting: 'incidents.listen',
      upgrades,
    }).catch(async (error: unknown) => {
      await Promise.all([consumer.stop(), socket.close()])
      throw error
    })
  }

  queue.start()
  deadLetters.start()
  void recorder.record()
  for (const connector of connectors) await connector.start?.()
  log.info({ listen: server?.address }, 'incidents ready')

  return {
    ...(server && { listen: server.address }),
    async settled() {
      await consumer.drained()
      await recorder.record()
    },
    checks,
    metrics,
    async close() {
      await Promise.all([consumer.stop(), socket.close(), server?.close()])
      await queue.stop()
      await deadLetters.stop()
      for (const connector of connectors) await connector.close?.()
      // Without a word it is given back by the end of the process.
      await core
        .change(() => release(store))
        .catch((error: unknown) => log.warn({ err: error }, 'the incidents could not be given back'))
      await recorder.stop()
      await store.close()
    },
  }
}

/** Every neighbour that adds to the role. */
async function openConnectors(deps: ConnectorDeps): Promise<readonly Connector[]> {
  const { store, lifecycle, settings, now, log } = deps.core
  const { outbound } = settings
  const alerts = await openAlerts(deps, (id, by, approve, digest) =>
    answers.answers.decide(id, by, approve, digest),
  )
  const agents = await openAgents({ ...deps, actions: settings.answers.proposals.allow })
  const trackers = await Trackers.open({ store, lifecycle, configs: settings.trackers, outbound, now, log })
  const answers = answering(deps, {
    trackers: trackers.names,
    channels: settings.alerts.map(({ name }) => name),
    file: (incident, tracker) => trackers.file(incident, tracker),
    dispatch: (incident, agent, by) => void agents.runs.request(incident, agent, by),
    notify: (incident, channel, event) => alerts.notify(incident, channel, event),
    resultOf: (run) => agents.runs.get(run)?.result,
  })
  return [
    alerts,
    ...(settings.playbooks.length === 0 ? [{ reaction: defaultFiling(trackers) }] : []),
    agents,
    answers,
    {
      reaction: trackers.reaction,
      register: (queue) => trackers.register(queue),
      close: () => trackers.close(),
    },
    await openWebhooks({ core: deps.core, trackers, agents: settings.agents, runs: agents.runs }),
  ]
}

async function readTokens({ incidents }: Core['settings']): Promise<readonly TokenHolder[]> {
  return Promise.all(
    incidents.tokens.map(async ({ name, token: reference }) => {
      const token = await readSecret(reference)
      // Nobody could ever send another one.
      if (!/^\S{8,1024}$/.test(token))
        throw new IncidentError('BAD_TOKEN', `the token of ${name} needs 8 to 1024 characters and no blanks`)
      return { name, token }
    }),
  )
}

function failing(checks: Incidents['checks']): Record<string, string> {
  const problems: Record<string, string> = {}
  for (const [name, check] of Object.entries(checks)) {
    const reason = check()
    if (reason !== undefined) problems[name] = reason
  }
  return problems
}

/** An event that cannot be read must not stop those behind it; it is said in the log with its position. */
function parse(item: OutboxItem, log: Logger): Event | undefined {
  try {
    const event = JSON.parse(Buffer.from(item.bytes).toString('utf8')) as Event
    if (EVENT_TYPES.has(event.type)) {
      // One that lacks what its type needs would come again for ever, and all others behind it.
      if (!isCommandEvent(event)) matterOf(event)
      return event
    }
    log.error({ seq: item.seq, type: event.type }, 'an event of an unknown type makes no incident')
    return undefined
  } catch (error) {
    log.error({ seq: item.seq, reason: messageOf(error) }, 'an event could not be read')
    return undefined
  }
}
