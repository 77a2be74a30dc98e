import type { Severity } from '../../runtime/events.js'
import type { IncidentState, IssueRef } from '../incident.js'
import type { TrackerConfig } from './config.js'

/** An issue as it is to be filed. Title and body are ours: what an attacker wrote stands in the body as escaped code. */
export interface IssueDraft {
  /** At most 200 characters, one line. */
  readonly title: string
  /** Markdown; must hold `marker`. */
  readonly body: string
  readonly severity: Severity
  readonly state: IncidentState
  /** Random and durable before the first attempt: by it an issue is recognised after an ambiguous outcome. */
  readonly marker: string
}

/** What is looked for after an ambiguous outcome. */
export interface Intent {
  readonly marker: string
  /** Milliseconds since the Unix epoch: nothing older than this attempt needs to be read. */
  readonly since: number
}

/** An issue as the tracker knows it. */
export interface Filed {
  readonly ref: IssueRef
  /** The tracker's id of the account that filed it: ours. Changes that this account makes are ignored when they come back. */
  readonly author?: string
}

/**
 * A system in which incidents are filed. One conformance suite (`test/conformance/tracker.ts`) holds for each. Every method
 * ends at its time limit or when `signal` is aborted, and fails with a `TrackerError` that says whether a retry makes sense
 * and whether the tracker may have done the work all the same.
 */
export interface Tracker {
  readonly name: string
  readonly type: TrackerConfig['type']
  /** `at-least-once` where the tracker offers no read: then an ambiguous outcome can file an issue twice. */
  readonly delivery: 'exactly-once' | 'at-least-once'
  /** How long after a write its reads may still not show it, in milliseconds. */
  readonly lagMs: number
  create(draft: IssueDraft, signal: AbortSignal): Promise<Filed>
  /** The issue that carries the marker. `undefined` says only that this read did not show it; see `lagMs`. */
  find?(intent: Intent, signal: AbortSignal): Promise<Filed | undefined>
  /** Absent where the tracker takes no comments. `text` is Markdown and must hold `marker`. */
  comment?(ref: IssueRef, text: string, marker: string, signal: AbortSignal): Promise<void>
  /** Whether a comment with the marker is there. Absent where comments cannot be read: they are then sent at least once. */
  hasComment?(ref: IssueRef, intent: Intent, signal: AbortSignal): Promise<boolean>
  /** Idempotent. Absent where the tracker has no states. */
  setState?(ref: IssueRef, state: IncidentState, signal: AbortSignal): Promise<void>
  /** Idempotent. `who` is the tracker's own id of a person or bot. */
  assign?(ref: IssueRef, who: string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
