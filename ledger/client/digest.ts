import { createHash } from 'node:crypto'
import { canonicalize } from '../../proofs/canonical-json.js'
import type { ActionValue } from './types.js'

/**
 * SHA-256 of the canonical JSON of a value, lower-case hex: what entries of the ledger and approvals bind themselves to.
 *
 * @throws ProofError for what has no canonical form, e.g. a number that is no integer
 */
export const canonicalDigest = (value: ActionValue): string =>
  createHash('sha256').update(canonicalize(value)).digest('hex')
