import type { Verdict } from '../detectors/verdict.js'

/** What the gateway itself refuses: framing it does not accept, or a size over its limits. */
export interface Refusal {
  readonly status: 400 | 413
  readonly phase: 'malformed' | 'request'
  /** A stable lower-case word. */
  readonly reason: string
}

/**
 * The verdict that is recorded: what the detectors said, unless the gateway refused the request and they had no reason
 * of their own to.
 */
export const finalVerdict = (verdict: Verdict, refusal: Refusal | undefined): Verdict => {
  if (refusal === undefined || (verdict.action !== 'allow' && verdict.action !== 'log')) return verdict
  return {
    action: 'block',
    status: refusal.status,
    mode: 'block',
    phase: refusal.phase,
    score: verdict.score,
    reason: refusal.reason,
    truncated: verdict.truncated,
  }
}
