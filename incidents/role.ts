import type { Logger } from 'pino'
import type { ActionSigner } from '../ledger/client/action-signer.js'
import { messageOf } from '../runtime/errors.js'
import { EVENT_TYPES, isCommandEvent, type Event } from '../runtime/events.js'
import type { OutboundConfig } from '../runtime/outbound.js'
import type { OutboxItem, Topic } from '../runtime/outbox.js'
import { shorten } from '../runtime/text.js'
import { ALERT_WORK, alertReaction, openAlerts } from './alerts/alerts.js'
import type { Reaction } from './change.js'
import type { IncidentsConfig, WebhookAlert } from './config.js'
import { matterOf } from './fingerprint.js'
import { Lifecycle } from './lifecycle.js'
import { EntryRecorder } from './recorder.js'
import { stepOf } from './step.js'
import { IncidentStore } from './store.js'
import { StormGauge } from './storm.js'
import { takeIn } from './take-in.js'
import type { TrackerConfig } from './trackers/config.js'
import { Trackers } from './trackers/trackers.js'
import { WorkQueue } from './work/queue.js'

export interface IncidentsDeps {
  readonly config: IncidentsConfig
  readonly alerts: readonly WebhookAlert[]
  readonly trackers?: readonly TrackerConfig[]
  readonly outbound: OutboundConfig
  /** `<data>/incidents`. */
  readonly folder: string
  readonly events: Topic
  /** Topic `ledger` of the outbox. */
  readonly ledger: Topic
  readonly signer: ActionSigner
  readonly now: () => number
  readonly log: Logger
}

export interface Incidents {
  /** Resolves once every event published before has been taken in and its steps are durable in the outbox. */
  settled(): Promise<void>
  /** Readiness checks by name. */
  readonly checks: Readonly<Record<string, () => string | undefined>>
  close(): Promise<void>
}

/** Starts the role: events become incidents, what follows from them is done, each step goes to the ledger. */
export async function startIncidents(deps: IncidentsDeps): Promise<Incidents> {
  const { config, alerts, outbound, log, now, signer } = deps
  const store = await IncidentStore.open(deps.folder, {
    signer,
    now,
    onUnrecorded: (problem) => log.error({ problem }, 'a step of an incident does not fit the ledger'),
  })
  const recorder = new EntryRecorder({ store, topic: deps.ledger, log })
  const queue = new WorkQueue({ store, now, log, stepped: () => void recorder.record() })

  const reactions: Reaction[] = []
  const lifecycle = new Lifecycle({
    store,
    now,
    reactions,
    onFailed(error, { type, incident }) {
      log.error(
        { err: error, incident: incident.id, change: type },
        'what follows from a change could not be decided',
      )
      store.addStep(stepOf('failed', now(), incident, { error: shorten(messageOf(error), 1000) }))
    },
  })
  const storms = new StormGauge(store.table('storms'), config.storm)

  // Each neighbour registers here what it reacts to and what work it does.
  const announcing = await openAlerts({ store, alerts, outbound, now })
  reactions.push(alertReaction({ store, alerts, now }))
  queue.register(ALERT_WORK, announcing.handle, { buried: announcing.buried, maxAttempts: 1000 })

  const trackers = await Trackers.open({ store, lifecycle, configs: deps.trackers ?? [], outbound, now, log })
  reactions.push(trackers.reaction)
  trackers.register(queue)

  const handle = async (items: readonly OutboxItem[]): Promise<void> => {
    await store.transaction(() => {
      for (const item of items) {
        if (item.seq <= store.position) continue
        const event = parse(item, log)
        if (event && !isCommandEvent(event)) takeIn(event, { store, lifecycle, storms, config, now })
        store.position = item.seq
      }
    })
    queue.wake()
    void recorder.record()
  }
  const consumer = deps.events.consume('incidents', handle)
  queue.start()
  void recorder.record()
  log.info({ alerts: alerts.map((alert) => alert.name), trackers: trackers.names }, 'incidents ready')

  return {
    async settled() {
      await consumer.drained()
      await recorder.record()
    },
    checks: { steps: () => recorder.problem },
    async close() {
      await consumer.stop()
      await queue.stop()
      await announcing.close()
      await trackers.close()
      await recorder.stop()
      await store.close()
    },
  }
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
