import type { ChainEvidence } from './anchor-check.js'
import { isSessionBundle, parseSessionBundle } from './bundle.js'
import { parsePolicy } from './policy.js'
import type { Policy } from './policy.js'
import { parseReceipt } from './receipt.js'
import { Checks } from './verification.js'
import type { Verification } from './verification.js'
import { verifyReceipt } from './verify-receipt.js'
import { verifySessionBundle } from './verify-session.js'

/** What a caller may add; without it `verifyBundle` knows nothing of the world. */
export interface VerifyOptions {
  /** Milliseconds since the Unix epoch; with it, cosignatures from the future do not count. */
  readonly clock?: { now(): number }
  /** The session that the caller has in mind: an entry or a bundle of another one is `wrong_session`. */
  readonly session?: string
  /** What was read from a chain about the anchor, see `verifyOnChain`. With it the anchor is called for. */
  readonly chain?: ChainEvidence
}

/**
 * Verifies a receipt or a session bundle offline. No I/O, no throwing on hostile bytes, and every key comes from the
 * policy, never from what is verified.
 *
 * @param bundle the bytes of a receipt file or of a bundle file
 * @param policy a policy, or the text of a policy file
 */
export function verifyBundle(
  bundle: Uint8Array,
  policy: Policy | Uint8Array | string,
  options: VerifyOptions = {},
): Verification {
  const checks = new Checks()
  const trusted = checks.run('policy', 'the policy can be read', () =>
    typeof policy === 'string' || policy instanceof Uint8Array ? parsePolicy(policy) : policy,
  )
  if (isSessionBundle(bundle)) {
    const parsed = checks.run('receipt', 'the session bundle is well formed', () =>
      parseSessionBundle(bundle),
    )
    if (trusted === undefined || parsed === undefined) return checks.finish({})
    return verifySessionBundle(parsed, trusted, options, checks)
  }
  const parsed = checks.run('receipt', 'the receipt is well formed', () => parseReceipt(bundle))
  if (trusted === undefined || parsed === undefined) return checks.finish({})
  return verifyReceipt(parsed, trusted, options, checks)
}
