import type { Severity } from '../runtime/events.js'

export type IncidentState = 'open' | 'triaged' | 'in_progress' | 'resolved' | 'false_positive'

/** What one event showed. Samples are masked already. */
export interface Evidence {
  readonly event: string
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  /** Ledger entry of the same fact. */
  readonly entry?: string
  readonly summary: string
}

/** Detections that are one matter for whoever has to answer it. */
export interface Incident {
  readonly id: string
  readonly fingerprint: string
  readonly title: string
  readonly severity: Severity
  readonly state: IncidentState
  /** Events so far; true even where evidence is not kept. */
  readonly count: number
  /** Milliseconds since the Unix epoch. */
  readonly first_seen: number
  readonly last_seen: number
  /** The first and the latest events, bounded by `MAX_EVIDENCE`. */
  readonly evidence: readonly Evidence[]
  /** Issues in trackers. */
  readonly issues: readonly {
    readonly tracker: string
    readonly id: string
    readonly key: string
    readonly url: string
  }[]
}

const RANK: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical']

/** Whether `severity` is `least` or above. */
export const atLeast = (severity: Severity, least: Severity): boolean =>
  RANK.indexOf(severity) >= RANK.indexOf(least)
