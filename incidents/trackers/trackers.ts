import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'lmdb'
import type { Logger } from 'pino'
import { messageOf } from '../../runtime/errors.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { uuidv7Time } from '../../runtime/uuid.js'
import type { Actor, Change } from '../change.js'
import type { IncidentState, IssueRef } from '../incident.js'
import type { Lifecycle } from '../lifecycle.js'
import { stepOf } from '../step.js'
import type { IncidentStore } from '../store.js'
import type { WorkQueue } from '../work/queue.js'
import { dead, done, retry } from '../work/work.js'
import type { Attempt, Outcome, Work } from '../work/work.js'
import type { TrackerConfig } from './config.js'
import { ensureCommented, ensureFiled } from './ensure.js'
import { TrackerError } from './errors.js'
import { openTracker } from './open.js'
import { renderComment, renderIssue, renderRise } from './render.js'
import type { Filed, Tracker } from './tracker.js'

export interface TrackersDeps {
  readonly store: IncidentStore
  readonly lifecycle: Lifecycle
  readonly configs: readonly TrackerConfig[]
  readonly outbound: OutboundConfig
  readonly now: () => number
  readonly log: Logger
}

/** Bodies of work; what it is about is the incident as it is when the work is done. */
type CommentBody = { readonly by: string; readonly text: string } | { readonly raised: true }
interface StateBody {
  readonly state: IncidentState
}

/** Requests that one attempt can need: before the lag, after it, and the write itself with what adorns it. */
const REQUESTS_OF_AN_ATTEMPT = 6

/**
 * Keeps the issues of incidents in trackers: files them, comments them, sets their states. Everything is decided inside the
 * transaction of a change to an incident, and done by the work queue.
 */
export class Trackers {
  readonly #deps: TrackersDeps
  readonly #trackers: ReadonlyMap<string, Tracker>
  /** Incident and tracker, to the work that files it there. */
  readonly #filing: Database<string, string>
  /** Tracker and id of an issue, or tracker and marker, to the incident. */
  readonly #incidents: Database<string, string>
  /** Tracker to the account that is ours there, as learnt. */
  readonly #accounts: Database<string, string>

  private constructor(deps: TrackersDeps, trackers: ReadonlyMap<string, Tracker>) {
    this.#deps = deps
    this.#trackers = trackers
    this.#filing = deps.store.table('tracker-filing')
    this.#incidents = deps.store.table('tracker-incidents')
    this.#accounts = deps.store.table('tracker-accounts')
  }

  /** @throws RuntimeError `SECRET_MISSING` and the like for a token, `OUTBOUND_REFUSED` for a forbidden address */
  static async open(deps: TrackersDeps): Promise<Trackers> {
    const trackers = new Map<string, Tracker>()
    for (const config of deps.configs) trackers.set(config.name, await openTracker(config, deps))
    return new Trackers(deps, trackers)
  }

  get names(): readonly string[] {
    return [...this.#trackers.keys()]
  }

  /** Says to the queue who does the work of trackers. */
  register(queue: WorkQueue): void {
    const timeoutMs =
      10_000 +
      Math.max(
        0,
        ...this.#deps.configs.map(
          ({ timeout_seconds, lag_seconds }) =>
            (REQUESTS_OF_AN_ATTEMPT * timeout_seconds + lag_seconds) * 1000,
        ),
      )
    queue.register('tracker.create', (work, attempt) => this.#create(work, attempt), {
      timeoutMs,
      buried: (work, reason) => this.#unfiled(work, reason),
    })
    queue.register('tracker.comment', (work, attempt) => this.#comment(work, attempt), { timeoutMs })
    queue.register('tracker.state', (work, attempt) => this.#setState(work, attempt), { timeoutMs })
  }

  /**
   * Has an incident filed in a tracker, unless it is or is about to be. Must run inside a transaction of the store.
   * @returns whether there is such a tracker
   */
  file(incident: string, tracker: string): boolean {
    const { store, now } = this.#deps
    if (!this.#trackers.has(tracker)) return false
    if (this.#hasOrWill(incident, tracker)) return true
    const work = store.work.add({ incident, kind: 'tracker.create', target: tracker }, now())
    this.#filing.putSync(keyOf(incident, tracker), work.id)
    // Its webhook can come before the answer that tells us the issue's id.
    this.#incidents.putSync(keyOf(tracker, work.marker), incident)
    return true
  }

  /** What trackers are told of a change to an incident that they have; the one that it came from is not. */
  readonly reaction = (change: Change): void => {
    const { incident, by } = change
    const tell = (kind: string, body: CommentBody | StateBody): void => {
      for (const target of this.#trackers.keys())
        if (target !== by.tracker && this.#hasOrWill(incident.id, target))
          this.#deps.store.work.add({ incident: incident.id, kind, target, body }, this.#deps.now())
    }
    if (change.type === 'state' || change.type === 'resolved' || change.type === 'reopened')
      tell('tracker.state', { state: incident.state })
    else if (change.type === 'commented') tell('tracker.comment', { by: by.name, text: change.text })
    else if (change.type === 'raised') tell('tracker.comment', { raised: true })
    else if (change.type === 'run_completed')
      tell('tracker.comment', { by: by.name, text: `${change.status}\n\n${change.summary}`.trim() })
  }

  /** The incident for which an issue stands; a text that holds its mark will do as long as its id is not known. */
  incidentOf(tracker: string, issue: string, text = ''): string | undefined {
    const known = this.#incidents.get(keyOf(tracker, issue))
    if (known !== undefined) return known
    for (const [marker] of text.slice(0, 200_000).matchAll(/\b[0-9a-f]{32}\b/g)) {
      const incident = this.#incidents.get(keyOf(tracker, marker))
      if (incident !== undefined) return incident
    }
    return undefined
  }

  /** Whether an account of a tracker is the one whose token we use. */
  isOurs(tracker: string, account: string): boolean {
    const configured = this.#deps.configs.find(({ name }) => name === tracker)?.bot
    return account !== '' && account === (configured ?? this.#accounts.get(tracker))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#trackers.values()].map((tracker) => tracker.close()))
  }

  async #create(work: Work, attempt: Attempt): Promise<Outcome> {
    const { store } = this.#deps
    const tracker = this.#trackers.get(work.target)
    const incident = store.get(work.incident)
    if (!tracker || !incident) return dead(tracker ? 'the incident is gone' : noTracker(work.target))
    const draft = renderIssue(incident, work.marker)
    return outcome(async () => {
      const filed = await ensureFiled(tracker, draft, this.#look(work, attempt), attempt.signal)
      return done(() => this.#filed(work, filed))
    })
  }

  #filed(work: Work, { ref, author }: Filed): void {
    const { lifecycle } = this.#deps
    const by: Actor = { name: `tracker:${work.target}`, tracker: work.target }
    this.#incidents.putSync(keyOf(work.target, ref.id), work.incident)
    this.#incidents.removeSync(keyOf(work.target, work.marker))
    this.#filing.removeSync(keyOf(work.incident, work.target))
    if (author !== undefined) this.#accounts.putSync(work.target, author)
    lifecycle.filed(work.incident, ref, by)
  }

  #unfiled(work: Work, reason: string): void {
    const { store, now } = this.#deps
    this.#filing.removeSync(keyOf(work.incident, work.target))
    const incident = store.get(work.incident)
    if (incident)
      store.addStep(
        stepOf('failed', now(), incident, { work: shown(work), attempts: work.attempt, error: reason }),
      )
  }

  async #comment(work: Work, attempt: Attempt): Promise<Outcome> {
    const place = this.#place(work)
    if ('result' in place) return place
    const { tracker, ref } = place
    const incident = this.#deps.store.get(work.incident)
    if (!incident || !tracker.comment) return done()
    const body = work.body as CommentBody
    const text =
      'raised' in body ? renderRise(incident, work.marker) : renderComment(body.by, body.text, work.marker)
    return outcome(async () => {
      await ensureCommented(tracker, ref, text, work.marker, this.#look(work, attempt), attempt.signal)
      return done(() => this.#synced(work))
    })
  }

  async #setState(work: Work, attempt: Attempt): Promise<Outcome> {
    const place = this.#place(work)
    if ('result' in place) return place
    const { tracker, ref } = place
    const { state } = work.body as StateBody
    return outcome(async () => {
      if (!tracker.setState) return done()
      await tracker.setState(ref, state, attempt.signal)
      return done(() => this.#synced(work))
    })
  }

  #synced(work: Work): void {
    const { store, now } = this.#deps
    const incident = store.get(work.incident)
    if (incident) store.addStep(stepOf('synced', now(), incident, { work: shown(work) }))
  }

  /** The issue that work is about. Its filing came before it in the same lane: without an issue it was given up. */
  #place(work: Work): { readonly tracker: Tracker; readonly ref: IssueRef } | Outcome {
    const tracker = this.#trackers.get(work.target)
    if (!tracker) return dead(noTracker(work.target))
    const ref = this.#deps.store.get(work.incident)?.issues.find((issue) => issue.tracker === work.target)
    return ref ? { tracker, ref } : dead(`the incident has no issue in ${work.target}`)
  }

  #look(work: Work, { resumed }: Attempt) {
    return {
      resumed,
      since: uuidv7Time(work.id),
      pause: async (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
    }
  }

  #hasOrWill(incident: string, tracker: string): boolean {
    const { store } = this.#deps
    return (
      this.#filing.doesExist(keyOf(incident, tracker)) ||
      (store.get(incident)?.issues.some((issue) => issue.tracker === tracker) ?? false)
    )
  }
}

const noTracker = (name: string): string => `there is no tracker ${name}`

const keyOf = (...parts: readonly string[]): string => JSON.stringify(parts.map((part) => part.slice(0, 200)))

const shown = ({ id, kind, target }: Work) => ({ id, kind, target })

/** What a tracker's failure means to the queue. */
async function outcome(attempt: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof TrackerError)) return retry(messageOf(error))
    if (!error.retryable && !error.ambiguous) return dead(error.message)
    return retry(error.message, {
      untouched: !error.ambiguous,
      ...(error.retryAfterMs === undefined ? {} : { after: error.retryAfterMs }),
    })
  }
}
