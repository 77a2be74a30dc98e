import type { Agent } from 'undici'
import { messageOf } from '../../runtime/errors.js'
import { outboundAgent } from '../../runtime/outbound.js'
import { readSecret } from '../../runtime/secret.js'
import type { Reaction } from '../change.js'
import type { WebhookAlert } from '../config.js'
import type { Connector, ConnectorDeps } from '../connector.js'
import { atLeast } from '../incident.js'
import type { Incident } from '../incident.js'
import { stepOf } from '../step.js'
import type { IncidentStore } from '../store.js'
import { dead, done, retry } from '../work/work.js'
import type { Work, WorkHandler } from '../work/work.js'
import { sendWebhook } from './webhook.js'

interface AlertReactionDeps {
  readonly store: IncidentStore
  readonly alerts: readonly WebhookAlert[]
  readonly now: () => number
}

/** What is announced; kept as it was decided, so that every attempt sends the same bytes. */
export interface Announcement {
  /** E.g. `incident.opened`. */
  readonly event: string
  /** RFC 3339. */
  readonly timestamp: string
  readonly incident: Omit<Incident, 'evidence'> & { readonly evidence: Incident['evidence'] }
}

const ALERT_WORK = 'alert'

/** Has one incident announced on one channel, whatever its filter says; to be called inside a transaction of the store. */
export interface Notifier {
  notify(incident: Incident, channel: string, event: string): void
}

/** Announces incidents on the channels whose filter lets them pass. */
const alertReaction =
  ({ store, alerts, now }: AlertReactionDeps): Reaction =>
  ({ type, incident }) => {
    if (type !== 'opened' && type !== 'raised' && type !== 'reopened' && type !== 'resolved') return
    for (const alert of alerts) {
      if (atLeast(incident.severity, alert.filter.min_severity))
        announce({ store, now }, incident, alert.name, `incident.${type}`)
    }
  }

function announce(
  { store, now }: Pick<AlertReactionDeps, 'store' | 'now'>,
  incident: Incident,
  channel: string,
  event: string,
): void {
  const body: Announcement = {
    event,
    timestamp: new Date(now()).toISOString(),
    incident: { ...incident, evidence: incident.evidence.slice(-3) },
  }
  store.work.add({ incident: incident.id, kind: ALERT_WORK, target: channel, body }, now())
}

/** Opens the channels. @throws RuntimeError `SECRET_MISSING` for a channel without its secret */
export async function openAlerts({ core }: ConnectorDeps): Promise<Connector & Notifier> {
  const { store, now } = core
  const { alerts, outbound } = core.settings
  const channels = new Map<string, { alert: WebhookAlert; secret: string; agent: Agent }>()
  for (const alert of alerts) {
    const secret = await readSecret(alert.secret)
    channels.set(alert.name, { alert, secret, agent: outboundAgent(outbound, alert.timeout_seconds * 1000) })
  }
  const step = (name: 'announced' | 'alert_failed', work: Work, error?: string): void => {
    const incident = store.get(work.incident)
    if (incident)
      store.addStep(
        stepOf(name, now(), incident, {
          channel: work.target,
          attempts: work.attempt,
          ...(error !== undefined && { error }),
        }),
      )
  }
  const handle: WorkHandler = async (work, { signal }) => {
    const channel = channels.get(work.target)
    if (!channel) return dead(`there is no alert channel ${work.target}`)
    const { alert, secret, agent } = channel
    const { event, ...rest } = work.body as Announcement
    const message = { id: work.id, event, body: JSON.stringify({ id: work.id, event, ...rest }) }
    try {
      await sendWebhook(message, alert, secret, outbound, agent, signal)
      return done(() => step('announced', work))
    } catch (error) {
      const reason = messageOf(error)
      return work.attempt >= alert.max_attempts ? dead(reason) : retry(reason)
    }
  }
  const buried = (work: Work, reason: string): void => step('alert_failed', work, reason)
  return {
    reaction: alertReaction({ store, alerts, now }),
    notify: (incident, channel, event) => announce({ store, now }, incident, channel, event),
    register: (queue) => queue.register(ALERT_WORK, handle, { buried, maxAttempts: 1000 }),
    async close() {
      await Promise.all([...channels.values()].map(({ agent }) => agent.destroy()))
    },
  }
}
