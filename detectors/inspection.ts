import type { BodyView, ResponseHead } from './request.js'
import type { RuleMatch, Verdict } from './verdict.js'

/**
 * The judging of one transaction, driven by the gateway in this order. Each step returns the verdict so far; once its
 * `action` is other than `allow` or `log`, the gateway acts on it and goes straight to `end`.
 */
export interface Inspection {
  /** Client-scoped phases: address lists, forbidden paths, rate, country. */
  client(): Verdict
  /** Request line and headers (seclang phase 1). */
  requestHeaders(): Verdict
  /** Whether the body has to be held and judged before it may be forwarded. Asked after `requestHeaders`. */
  readonly wantsRequestBody: boolean
  /** seclang phase 2; called with an empty view for a request without a body too. */
  requestBody(body: BodyView): Verdict
  responseHeaders(head: ResponseHead): Verdict
  /** Whether this response has to be held and judged. Asked after `responseHeaders`. */
  readonly wantsResponseBody: boolean
  responseBody(body: BodyView): Verdict
  /** Marks that a limit kept a part of the transaction from being judged. */
  truncate(limit: string): void
  /** A request that can be parsed but must be refused: what was wrong. Rules of seclang phases 1 and 5 still run. */
  malformed(reason: string): Verdict
  /** seclang phase 5 (logging). Exactly once, after the answer is known. */
  end(): InspectionResult
}

export interface InspectionResult {
  readonly verdict: Verdict
  readonly matches: readonly RuleMatch[]
  /** Names of the phases that did work, with nanoseconds spent, in running order. */
  readonly timings: readonly (readonly [phase: string, nanoseconds: number])[]
}
