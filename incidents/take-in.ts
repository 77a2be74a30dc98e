import type { DetectionEvent } from '../runtime/events.js'
import { shorten } from '../runtime/text.js'
import { uuidv7 } from '../runtime/uuid.js'
import { newDelivery } from './alerts/delivery.js'
import type { IncidentsConfig, WebhookAlert } from './config.js'
import { subjectOf, weightOf } from './fingerprint.js'
import { atLeast, type Evidence, type Incident } from './incident.js'
import { stepOf } from './step.js'
import type { IncidentStore } from './store.js'

/** Events of which an incident keeps what they showed: the first half of these and the latest. */
export const MAX_EVIDENCE = 20

export interface TakeInDeps {
  readonly store: IncidentStore
  readonly config: IncidentsConfig
  readonly alerts: readonly WebhookAlert[]
  readonly now: () => number
}

/** Takes one event in; must run inside a transaction of the store. */
export function takeIn(event: DetectionEvent, deps: TakeInDeps): void {
  const { store, config } = deps
  if (!atLeast(event.severity, config.min_severity)) return
  const subject = subjectOf(event)
  const seen: Evidence = {
    event: event.id,
    time: event.time,
    ...(event.entry === undefined ? {} : { entry: event.entry }),
    summary: shorten(subject.summary, 500),
  }
  const before = store.latest(subject.fingerprint)
  const repeats =
    before !== undefined &&
    before.state !== 'resolved' &&
    before.state !== 'false_positive' &&
    event.time - before.last_seen < config.group_seconds * 1000
  if (!repeats) {
    const incident: Incident = {
      id: uuidv7(deps.now()),
      fingerprint: subject.fingerprint,
      title: shorten(subject.title, 200),
      severity: event.severity,
      state: 'open',
      count: weightOf(event),
      first_seen: event.time,
      last_seen: event.time,
      evidence: [seen],
      issues: [],
    }
    store.put(incident)
    store.addStep(stepOf('opened', event.time, incident, causeOf(event)))
    announce('incident.opened', incident, deps)
    return
  }
  const count = before.count + weightOf(event)
  const raised = !atLeast(before.severity, event.severity)
  const incident: Incident = {
    ...before,
    severity: raised ? event.severity : before.severity,
    count,
    last_seen: Math.max(before.last_seen, event.time),
    evidence: keep(before.evidence, seen),
  }
  store.put(incident)
  // Not every repeat is a step, or a flood would flood the ledger too: each power of ten is, with the true count.
  const milestone = Math.floor(Math.log10(count)) > Math.floor(Math.log10(before.count))
  if (milestone || raised) store.addStep(stepOf('repeated', event.time, incident, causeOf(event)))
  if (raised) announce('incident.raised', incident, deps)
}

const causeOf = (event: DetectionEvent) => ({
  event: { id: event.id, type: event.type },
  ...(event.entry === undefined ? {} : { subject: event.entry }),
})

const keep = (evidence: readonly Evidence[], seen: Evidence): readonly Evidence[] =>
  evidence.length < MAX_EVIDENCE
    ? [...evidence, seen]
    : [...evidence.slice(0, MAX_EVIDENCE / 2), ...evidence.slice(MAX_EVIDENCE / 2 + 1), seen]

function announce(event: string, incident: Incident, deps: TakeInDeps): void {
  const now = deps.now()
  for (const alert of deps.alerts)
    if (atLeast(incident.severity, alert.filter.min_severity))
      deps.store.putDelivery(newDelivery(uuidv7(now), alert.name, event, incident, now))
}
