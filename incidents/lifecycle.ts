import { randomUUID } from 'node:crypto'
import type { ActionValue } from '../ledger/client/types.js'
import { shorten } from '../runtime/text.js'
import type { Actor, Change, Reaction } from './change.js'
import { IncidentError } from './errors.js'
import { isOver } from './incident.js'
import type { Incident, IncidentState, IssueRef } from './incident.js'
import { stepOf } from './step.js'
import type { StepName } from './step.js'
import type { IncidentStore } from './store.js'

/** Where each state may lead. Back from an end it only goes by re-opening, which begins a new session in the ledger. */
const NEXT: Readonly<Record<IncidentState, readonly IncidentState[]>> = {
  open: ['triaged', 'in_progress', 'resolved', 'false_positive'],
  triaged: ['in_progress', 'resolved', 'false_positive'],
  in_progress: ['triaged', 'resolved', 'false_positive'],
  resolved: ['open'],
  false_positive: ['open'],
}

/** Characters of a comment; a longer one is refused. */
export const MAX_COMMENT = 20_000
/** Characters of the name of somebody who is given an incident. */
export const MAX_ASSIGNEE = 200

export interface LifecycleDeps {
  readonly store: IncidentStore
  readonly now: () => number
  /** Called in this order, each inside the transaction of the change. */
  readonly reactions: readonly Reaction[]
  /** Told of a reaction that fails: it must not keep the change, nor the events behind it, from being taken in. */
  readonly onFailed: (error: unknown, change: Change) => void
}

/** The changes that there are to incidents, whoever makes them. Every method must run inside a transaction of the store. */
export class Lifecycle {
  readonly #deps: LifecycleDeps

  constructor(deps: LifecycleDeps) {
    this.#deps = deps
  }

  /** @throws IncidentError `INCIDENT_NOT_FOUND` */
  get(id: string): Incident {
    const incident = this.#deps.store.get(id)
    if (!incident) throw new IncidentError('INCIDENT_NOT_FOUND', `there is no incident ${shorten(id, 100)}`)
    return incident
  }

  /** Takes in a new incident. @param more members of the step that say what caused it */
  open(incident: Incident, time: number, by: Actor, more: { readonly [key: string]: ActionValue }): Incident {
    this.#deps.store.put(incident)
    this.#deps.store.addStep(stepOf('opened', time, incident, more))
    this.react({ type: 'opened', incident, by })
    return incident
  }

  /**
   * Changes the state; nothing happens when it is that already.
   *
   * @throws IncidentError `INCIDENT_NOT_FOUND`, `BAD_TRANSITION`
   */
  setState(id: string, to: IncidentState, by: Actor, reason?: string): Incident {
    const before = this.get(id)
    if (before.state === to) return before
    if (!NEXT[before.state].includes(to))
      throw new IncidentError(
        'BAD_TRANSITION',
        `incident ${id} is ${before.state}: it cannot become ${to}, but ${NEXT[before.state].join(', ')}`,
      )
    const incident: Incident = { ...before, state: to }
    const name: StepName = isOver(before) ? 'reopened' : isOver(incident) ? 'resolved' : 'updated'
    this.#keep(incident, name, by, { from: before.state, ...(reason && { reason: shorten(reason, 1000) }) })
    // The newest incident of its matter takes further events in again.
    if (name === 'reopened') this.#deps.store.route(incident.fingerprint, id)
    this.react(
      name === 'updated'
        ? { type: 'state', incident, by, from: before.state }
        : { type: name === 'reopened' ? 'reopened' : 'resolved', incident, by },
    )
    return incident
  }

  /** @throws IncidentError `INCIDENT_NOT_FOUND`, `TOO_LARGE`, `CONFLICT` for one that is over */
  assign(id: string, assignee: string, by: Actor): Incident {
    const before = this.get(id)
    if (assignee === '' || assignee.length > MAX_ASSIGNEE)
      throw new IncidentError('TOO_LARGE', `an assignee has 1 to ${MAX_ASSIGNEE} characters`)
    if (isOver(before))
      throw new IncidentError('CONFLICT', `incident ${id} is ${before.state}; re-open it first`)
    if (before.assignee === assignee) return before
    const incident: Incident = { ...before, assignee: shorten(assignee, MAX_ASSIGNEE) }
    this.#keep(incident, 'assigned', by, { assignee: incident.assignee ?? '' })
    this.react({ type: 'assigned', incident, by })
    return incident
  }

  /**
   * Its text stays in the timeline; the ledger records that somebody wrote.
   *
   * @throws IncidentError `INCIDENT_NOT_FOUND`, `TOO_LARGE`
   */
  comment(id: string, text: string, by: Actor): Incident {
    const incident = this.get(id)
    if (text.trim() === '' || text.length > MAX_COMMENT)
      throw new IncidentError('TOO_LARGE', `a comment has 1 to ${MAX_COMMENT} characters`)
    const kept = shorten(text, MAX_COMMENT)
    const { store, now } = this.#deps
    store.addStep(stepOf('commented', now(), incident, { by: by.name }), kept)
    this.react({ type: 'commented', incident, by, text: kept, id: randomUUID() })
    return incident
  }

  /** An issue stands for the incident from now on. */
  filed(id: string, issue: IssueRef, by: Actor): Incident {
    const before = this.get(id)
    const incident: Incident = {
      ...before,
      issues: [...before.issues.filter(({ tracker }) => tracker !== issue.tracker), issue],
    }
    const { tracker, key, url } = issue
    this.#keep(incident, 'filed', by, { issue: { tracker, id: issue.id, key, url } })
    this.react({ type: 'filed', incident, by, issue })
    return incident
  }

  /** Tells everybody who reacts; for changes that are not made here, such as the end of a run. */
  react(change: Change): void {
    for (const reaction of this.#deps.reactions) {
      try {
        reaction(change)
      } catch (error) {
        this.#deps.onFailed(error, change)
      }
    }
  }

  #keep(incident: Incident, name: StepName, by: Actor, more: { readonly [key: string]: ActionValue }): void {
    const { store, now } = this.#deps
    store.put(incident)
    store.addStep(stepOf(name, now(), incident, { ...more, by: shorten(by.name, 200) }))
  }
}
