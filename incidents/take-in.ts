import type { DetectionEvent } from '../runtime/events.js'
import { shorten } from '../runtime/text.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { Actor } from './change.js'
import type { IncidentsConfig } from './config.js'
import type { Core } from './core.js'
import { matterOf, weightOf } from './fingerprint.js'
import type { Matter } from './fingerprint.js'
import { atLeast, isOver } from './incident.js'
import type { Evidence, Incident } from './incident.js'
import { isMilestone } from './repeats.js'
import type { RepeatGauge } from './repeats.js'
import { stepOf } from './step.js'
import { intoStorm, isStorm, STORM_FINGERPRINT, STORM_TITLE } from './storm.js'
import type { StormGauge } from './storm.js'

/** Events of which an incident keeps what they showed: the first half of these and the latest. */
export const MAX_EVIDENCE = 20

const DETECTION: Actor = { name: 'detection' }

export interface TakeInDeps {
  readonly core: Core
  readonly storms: StormGauge
  readonly repeats: RepeatGauge
}

/** Takes one event in; must run inside a transaction of the store. */
export function takeIn(event: DetectionEvent, deps: TakeInDeps): void {
  const { store, settings } = deps.core
  const config = settings.incidents
  if (!atLeast(event.severity, config.min_severity)) return
  const matter = matterOf(event)
  const known = active(store.latest(matter.fingerprint), event, config)
  if (known) return repeat(known, event, matter, deps, false)
  if (deps.storms.admits(event.time)) return open(event, matter, matter, deps)
  // Too many incidents at once: this matter, and each that follows, becomes part of one.
  const storm = active(store.latest(STORM_FINGERPRINT), event, config)
  if (storm) repeat(storm, event, matter, deps, true)
  else open(event, { ...matter, fingerprint: STORM_FINGERPRINT, title: STORM_TITLE }, matter, deps)
}

/** An incident that takes the event in; one that is over, or was quiet for long, does not. */
function active(
  incident: Incident | undefined,
  event: DetectionEvent,
  { group_seconds }: IncidentsConfig,
): Incident | undefined {
  const goesOn = incident && !isOver(incident) && event.time - incident.last_seen < group_seconds * 1000
  return goesOn ? incident : undefined
}

/** @param told as the incident is told; a storm is told otherwise than the matter that began it */
function open(event: DetectionEvent, told: Matter, matter: Matter, deps: TakeInDeps): void {
  const count = weightOf(event)
  const incident: Incident = {
    id: uuidv7(deps.core.now()),
    fingerprint: told.fingerprint,
    title: shorten(told.title, 200),
    severity: event.severity,
    state: 'open',
    count,
    first_seen: event.time,
    last_seen: event.time,
    evidence: [evidenceOf(event, matter)],
    issues: [],
    ...(told === matter
      ? { detected: matter.detected }
      : { storm: intoStorm({ matters: 0, first: [] }, matter, count, true) }),
  }
  deps.core.store.route(told.fingerprint, incident.id)
  deps.core.store.route(matter.fingerprint, incident.id)
  deps.repeats.opened(incident.id, matter.subjects, event.time)
  deps.core.lifecycle.open(incident, event.time, DETECTION, causeOf(event))
}

/** @param joins whether the matter is new to a storm */
function repeat(
  before: Incident,
  event: DetectionEvent,
  matter: Matter,
  deps: TakeInDeps,
  joins: boolean,
): void {
  const { store } = deps.core
  const weight = weightOf(event)
  const count = before.count + weight
  const raised = !atLeast(before.severity, event.severity)
  const incident: Incident = {
    ...before,
    severity: raised ? event.severity : before.severity,
    count,
    last_seen: Math.max(before.last_seen, event.time),
    evidence: keep(before.evidence, evidenceOf(event, matter)),
    ...(isStorm(before) && { storm: intoStorm(before.storm, matter, weight, joins) }),
  }
  store.put(incident)
  if (joins) store.route(matter.fingerprint, incident.id)
  const { subjects } = matter
  const told = deps.repeats.admits(incident.id, { before: before.count, count, subjects, time: event.time })
  // Not every repeat is a step, or a flood would flood the ledger too: each power of ten is, with the true count.
  if (raised || isMilestone(before.count, count))
    store.addStep(stepOf('repeated', event.time, incident, causeOf(event)))
  if (raised || told)
    deps.core.lifecycle.react({ type: raised ? 'raised' : 'repeated', incident, by: DETECTION })
}

const evidenceOf = (event: DetectionEvent, { summary, subjects }: Matter): Evidence => ({
  event: event.id,
  time: event.time,
  ...(event.entry === undefined ? {} : { entry: event.entry }),
  summary: shorten(summary, 500),
  subjects,
})

const causeOf = (event: DetectionEvent) => ({
  event: { id: event.id, type: event.type },
  ...(event.entry === undefined ? {} : { subject: event.entry }),
})

const keep = (evidence: readonly Evidence[], seen: Evidence): readonly Evidence[] =>
  evidence.length < MAX_EVIDENCE
    ? [...evidence, seen]
    : [...evidence.slice(0, MAX_EVIDENCE / 2), ...evidence.slice(MAX_EVIDENCE / 2 + 1), seen]
