import type { AnchorObservation, ChainReader } from './anchor.js'
import { isSessionBundle, parseSessionBundle } from './bundle.js'
import { attempt } from './errors.js'
import type { Policy } from './policy.js'
import { parseReceipt } from './receipt.js'
import { verifyBundle } from './verify.js'
import type { Verification } from './verification.js'
import type { VerifyOptions } from './verify.js'

/** How {@link verifyOnChain} asks. */
export interface ChainOptions extends Omit<VerifyOptions, 'chain'> {
  readonly readers: readonly ChainReader[]
  /** How many readers have to confirm; all of them when left out. */
  readonly agree?: number
}

/**
 * {@link verifyBundle}, and the anchor too: the readers are asked first, and what they say is judged with the rest. The anchor
 * is called for: a receipt or bundle without one is `anchor_missing`.
 */
export async function verifyOnChain(
  bundle: Uint8Array,
  policy: Policy | Uint8Array | string,
  { readers, agree, ...options }: ChainOptions,
): Promise<Verification> {
  const parsed = attempt(() => (isSessionBundle(bundle) ? parseSessionBundle(bundle) : parseReceipt(bundle)))
  const anchor = 'value' in parsed ? parsed.value.anchor : undefined
  const observations: AnchorObservation[] =
    anchor === undefined ? [] : await Promise.all(readers.map((reader) => reader.observe(anchor)))
  const chain = { observations, ...(agree !== undefined && { agree }) }
  return verifyBundle(bundle, policy, { ...options, chain })
}
