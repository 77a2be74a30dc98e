import type { Severity } from '../runtime/events.js'

export const INCIDENT_STATES = ['open', 'triaged', 'in_progress', 'resolved', 'false_positive'] as const
export type IncidentState = (typeof INCIDENT_STATES)[number]

/**
 * What a detection was about, so that an answer can be aimed at it. Everything in it but names of ours came from outside and is
 * untrusted.
 */
export type Subject =
  | { readonly type: 'client'; readonly address: string }
  | { readonly type: 'url'; readonly site: string; readonly host: string; readonly path: string }
  | {
      readonly type: 'rule'
      readonly site: string
      readonly rule: number
      readonly variable?: string
      /** The value that it matched, masked. */
      readonly sample?: string
    }
  | {
      readonly type: 'file'
      readonly host: string
      readonly path: string
      /** Its exact bytes, when they are no UTF-8. */
      readonly path_base64?: string
      /** Hex; empty when it could not be read. */
      readonly sha256: string
      /** Id in the vault. */
      readonly quarantine?: string
    }

/** What one event showed. Samples are masked already. */
export interface Evidence {
  readonly event: string
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  /** Ledger entry of the same fact. */
  readonly entry?: string
  /** Holds what a client sent: untrusted. */
  readonly summary: string
  readonly subjects: readonly Subject[]
}

/** An issue in a tracker. */
export interface IssueRef {
  readonly tracker: string
  readonly id: string
  readonly key: string
  readonly url: string
  /** Set for a tracker that cannot be searched: there may be a second issue of this incident. */
  readonly delivery?: 'at-least-once'
}

/** What a storm stands for: more kinds of detections than anybody would read one by one. */
export interface Storm {
  /** Different matters, exactly. */
  readonly matters: number
  /** The first of them, with their counts, bounded by `MAX_STORM_MATTERS`; `count` of the incident holds all. */
  readonly first: readonly { readonly fingerprint: string; readonly title: string; readonly count: number }[]
}

/** What was detected, in words of ours: what playbooks match on. */
export interface Detected {
  /** Type of the event, e.g. `security.verdict`. */
  readonly kind: string
  readonly site?: string
  readonly phase?: string
  readonly rule?: number
}

/** Detections that are one matter for whoever has to answer it. */
export interface Incident {
  readonly id: string
  readonly fingerprint: string
  /** Made of our own words and names from rules and configuration, never of what a client sent. */
  readonly title: string
  readonly severity: Severity
  readonly state: IncidentState
  readonly assignee?: string
  /** Events so far; true even where evidence is not kept. */
  readonly count: number
  /** Milliseconds since the Unix epoch. */
  readonly first_seen: number
  readonly last_seen: number
  /** The first and the latest events, bounded by `MAX_EVIDENCE`. */
  readonly evidence: readonly Evidence[]
  readonly issues: readonly IssueRef[]
  readonly storm?: Storm
  /** Missing on one that was opened by hand, and on a storm. */
  readonly detected?: Detected
}

/** Whether an incident is over. */
export const isOver = ({ state }: Pick<Incident, 'state'>): boolean =>
  state === 'resolved' || state === 'false_positive'

const RANK: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical']

/** Higher for what is more severe. */
export const severityRank = (severity: Severity): number => RANK.indexOf(severity)

/** Whether `severity` is `least` or above. */
export const atLeast = (severity: Severity, least: Severity): boolean =>
  severityRank(severity) >= severityRank(least)
