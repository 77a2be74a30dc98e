import type { CanonicalObject } from './canonical-json.js'
import type { SessionReport, SignatureSource, Verification } from './verification.js'

/** A verdict as JSON, for the command line and for the API. */
export interface VerificationReport {
  readonly ok: boolean
  readonly code?: string
  readonly checks: Verification['checks']
  readonly index?: number
  readonly origin?: string
  readonly size?: number
  readonly signature?: SignatureSource
  /** The action, or what a seal says but its root. */
  readonly entry?: CanonicalObject
  readonly session?: SessionReport
}

/** What is told of a verdict. What a receipt claims is left out unless it holds. */
export function verificationReport(verification: Verification): VerificationReport {
  const { ok, code, checks, index, origin, size, signature, entry, session } = verification
  // A session that is not whole is told as it is, once nothing else is wrong with it.
  const failed = checks.filter((check) => check.result === 'fail')
  const isProven = failed.every(({ name }) => name === 'completeness' || name === 'anchor')
  return {
    ok,
    ...(code !== undefined && { code }),
    checks,
    ...(ok && index !== undefined && { index }),
    ...(ok && origin !== undefined && { origin }),
    ...(ok && size !== undefined && { size }),
    ...(ok && signature !== undefined && { signature }),
    ...(ok && entry !== undefined && { entry: about(entry) }),
    ...(isProven && session !== undefined && { session }),
  }
}

function about(entry: NonNullable<Verification['entry']>): CanonicalObject {
  if (entry.type !== 'seal') return entry.action
  const { agent, session, first, count } = entry.seal
  return { agent, session, first, count }
}
