import type { Logger } from 'pino'
import type { LedgerClient } from '../ledger/client/types.js'
import { messageOf } from '../runtime/errors.js'
import { EVENT_TYPES, isCommandEvent, type Event } from '../runtime/events.js'
import type { OutboundConfig } from '../runtime/outbound.js'
import type { OutboxItem, Topic } from '../runtime/outbox.js'
import { AlertSender } from './alerts/sender.js'
import type { IncidentsConfig, WebhookAlert } from './config.js'
import { subjectOf } from './fingerprint.js'
import { IncidentStore } from './store.js'
import { takeIn } from './take-in.js'

export interface IncidentsDeps {
  readonly config: IncidentsConfig
  readonly alerts: readonly WebhookAlert[]
  readonly outbound: OutboundConfig
  /** `<data>/incidents`. */
  readonly folder: string
  readonly events: Topic
  readonly ledger: LedgerClient
  readonly now: () => number
  readonly log: Logger
}

export interface Incidents {
  /** Resolves once every event published before has been taken in and its steps are durable in the outbox. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** Starts the role: events become incidents, incidents are announced, each step goes to the ledger. */
export async function startIncidents(deps: IncidentsDeps): Promise<Incidents> {
  const { log, now } = deps
  const store = await IncidentStore.open(deps.folder)

  // A step leaves the store after it is durable in the outbox: a crash in between records it twice, never not at all.
  let recording = Promise.resolve()
  const recordSteps = (): Promise<void> => {
    recording = recording
      .then(async () => {
        const steps = store.steps()
        if (steps.length === 0) return
        for (const { step } of steps)
          deps.ledger.record({ kind: `incident.${step.name}`, ts: step.time, members: step.members })
        await deps.ledger.flush()
        await store.transaction(() => {
          for (const { number } of steps) store.removeStep(number)
        })
      })
      .catch((error: unknown) => {
        log.error({ err: error }, 'steps of incidents wait for the ledger')
      })
    return recording
  }

  const sender = await AlertSender.start({
    store,
    alerts: deps.alerts,
    outbound: deps.outbound,
    now,
    log,
    stepped: () => void recordSteps(),
  })

  const handle = async (items: readonly OutboxItem[]): Promise<void> => {
    await store.transaction(() => {
      for (const item of items) {
        if (item.seq <= store.position) continue
        const event = parse(item, log)
        if (event && !isCommandEvent(event))
          takeIn(event, { store, config: deps.config, alerts: deps.alerts, now })
        store.position = item.seq
      }
    })
    sender.wake()
    await recordSteps()
  }
  const consumer = deps.events.consume('incidents', handle)
  await recordSteps()
  log.info({ alerts: deps.alerts.map((alert) => alert.name) }, 'incidents ready')

  return {
    async settled() {
      await consumer.drained()
      await recordSteps()
    },
    async close() {
      await consumer.stop()
      await sender.stop()
      await recordSteps()
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
      if (!isCommandEvent(event)) subjectOf(event)
      return event
    }
    log.error({ seq: item.seq, type: event.type }, 'an event of an unknown type makes no incident')
    return undefined
  } catch (error) {
    log.error({ seq: item.seq, reason: messageOf(error) }, 'an event could not be read')
    return undefined
  }
}
