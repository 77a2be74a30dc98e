/**
 * The facts that roles tell each other. A role publishes them to the durable outbox (topic `events`); `incidents`
 * consumes them. Everything here is JSON and stays readable by later versions: fields are added, never changed.
 */

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical'

interface EventBase {
  /** UUIDv7. */
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly severity: Severity
  /** Id of the ledger entry that records the same fact, when there is one. */
  readonly entry?: string
}

/** A verdict other than a plain allow. */
export interface SecurityVerdictEvent extends EventBase {
  readonly type: 'security.verdict'
  readonly data: {
    readonly request_id: string
    readonly site: string
    readonly client: string
    readonly method: string
    readonly host: string
    /** Path without the query. */
    readonly path: string
    readonly action: string
    readonly mode: string
    readonly phase: string
    readonly rule?: number
    readonly msg: string
    readonly variable?: string
    /** Masked. */
    readonly sample?: string
    readonly status: number
    readonly score: number
    readonly rules: readonly number[]
    /**
     * How many such verdicts this event stands for, when more than one came too fast to be told by itself: those of the same
     * site, phase, rule, action and mode, and of one client unless `client` is empty. Everything else is that of the first.
     */
    readonly count?: number
  }
}

/** Bytes that no HTTP parser of ours accepts. */
export interface MalformedRequestEvent extends EventBase {
  readonly type: 'malformed_request'
  readonly data: {
    readonly client: string
    readonly reason: string
    readonly listener: string
    readonly count: number
  }
}

/** A file that is not clean. */
export interface ScanVerdictEvent extends EventBase {
  readonly type: 'scan.verdict'
  readonly data: {
    readonly path: string
    /** The path's exact bytes, when they are no UTF-8 and `path` cannot say them. */
    readonly path_base64?: string
    readonly host: string
    readonly sha256: string
    readonly verdict: 'suspicious' | 'malicious' | 'error'
    readonly reasons: readonly { readonly engine: string; readonly rule: string }[]
    readonly quarantine?: string
  }
}

/** Something of ours that an operator should know of: a role restarted, a limit was met, a store is down. */
export interface OperationalEvent extends EventBase {
  readonly type: 'operational'
  readonly data: { readonly role: string; readonly code: string; readonly message: string }
}

/** What came of a command (`commands.ts`). It belongs to the incident that the command answers and opens none. */
export interface CommandEvent extends EventBase {
  /** `ended`: what was applied holds no longer, because it expired, was revoked, or was given up for room. */
  readonly type: 'command.applied' | 'command.refused' | 'command.ended'
  readonly data: {
    readonly command: string
    readonly incident?: string
    readonly role: 'gateway' | 'scanner'
    /** Type of the action, e.g. `ban_client`. */
    readonly action: string
    readonly dry_run: boolean
    /** Why it was refused or ended: a stable upper-case code. */
    readonly code?: string
    /** What was done, or why not, as a sentence. It may quote names that an attacker chose. */
    readonly reason?: string
    /** Milliseconds since the Unix epoch; until when it holds, which may be less than was asked for. */
    readonly expires?: number
    /** Item of the vault that it made. */
    readonly quarantine?: string
  }
}

/** Something was detected, or failed: these make incidents. */
export type DetectionEvent =
  SecurityVerdictEvent | MalformedRequestEvent | ScanVerdictEvent | OperationalEvent

export type Event = DetectionEvent | CommandEvent

/** The types that this version knows; an outbox may hold events of a later one. */
export const EVENT_TYPES: ReadonlySet<string> = new Set<Event['type']>([
  'security.verdict',
  'malformed_request',
  'scan.verdict',
  'operational',
  'command.applied',
  'command.refused',
  'command.ended',
])

export const isCommandEvent = (event: Event): event is CommandEvent => event.type.startsWith('command.')
