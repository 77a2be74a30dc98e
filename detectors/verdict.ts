/**
 * What the detectors say about a transaction. Names follow the log words: the audit log, metrics labels and
 * ledger entries use the same ones (snake_case there).
 */

export const PHASE_NAMES = [
  'ip_allow',
  'ip_block',
  'url_allow',
  'url_block',
  'rate_limit',
  'scanner',
  'bot',
  'sql_injection',
  'xss',
  'rce',
  'traversal',
  'custom_rules',
  'owasp_crs',
  'sensitive_data',
  'hotlink',
  'crowdsec',
  'geoip',
] as const

/** One of the 17 product phases; its number, which users know, is its index here plus one. */
export type PhaseName = (typeof PHASE_NAMES)[number]

export type Action = 'allow' | 'block' | 'challenge' | 'redirect' | 'drop' | 'mask' | 'log'

/** `block` enforces, `detect` only records what would have happened, `off` does not run. */
export type Mode = 'block' | 'detect' | 'off'

/** `request` and `malformed` are not phases: they name what the gateway itself refuses (size, framing). */
export type VerdictPhase = PhaseName | 'request' | 'malformed'

/** A stretch of bytes inside a value. */
export interface Span {
  readonly offset: number
  readonly length: number
}

/** A stretch of the request as the client sent it, before any decoding. */
export interface RequestSpan extends Span {
  /**
   * What `offset` counts from: the request line (`method target protocol`), one header as `name: value`, or the body with its
   * transfer coding taken off.
   */
  readonly part: 'line' | 'header' | 'body'
  /** Which header, from 0, in the order sent; with part `header` only. */
  readonly header?: number
}

export interface RuleMatch {
  readonly id: number
  /** SecLang's own phase 1 to 5; 0 for a match that no SecLang rule made. */
  readonly seclangPhase: number
  readonly phase: VerdictPhase
  readonly severity?: number
  /** Macros expanded. */
  readonly msg: string
  /** Expanded `logdata`; like `msg` one line, control characters written as `\xHH`. */
  readonly data: string
  /** The variable that matched, e.g. `ARGS:id`; empty for an action without a target. */
  readonly variable: string
  /** The matched value, whole; masking is done where it is written. */
  readonly sample: string
  /** Where in `sample` the operator found it: the match, then its groups. Absent where the operator judges the value as a whole. */
  readonly found?: readonly Span[]
  /** Where the variable stands in the request, as sent. Absent where it has no place of its own there. */
  readonly source?: readonly RequestSpan[]
  readonly tags: readonly string[]
  /** False for `nolog`. */
  readonly logged: boolean
  /** Where the rule stands. */
  readonly file?: string
  readonly line?: number
}

export interface Verdict {
  readonly action: Action
  /** HTTP status that the client gets for block, challenge and redirect; 0 for allow and log. */
  readonly status: number
  /** The effective mode: the weaker of the site's, the phase's and the rule engine's. */
  readonly mode: Mode
  readonly phase?: VerdictPhase
  /** Id of the rule that decided. */
  readonly rule?: number
  readonly score: number
  readonly reason: string
  /** Names of limits that kept a part of the transaction from being judged; empty when all of it was. */
  readonly truncated: readonly string[]
  /** Target of a redirect. */
  readonly location?: string
  /** Seconds after which the client may try again (`Retry-After`, RFC 9110 section 10.2.3); with status 429 only. */
  readonly retryAfter?: number
  /** In mode `detect`: what mode `block` would have done. `action` is then `log`. */
  readonly would?: { readonly action: Action; readonly status: number }
}

export const ALLOW: Verdict = {
  action: 'allow',
  status: 0,
  mode: 'block',
  score: 0,
  reason: '',
  truncated: [],
}
