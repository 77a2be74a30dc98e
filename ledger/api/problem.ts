import { ProofError } from '../../proofs/errors.js'
import type { ProofCode } from '../../proofs/errors.js'
import { problemsOf } from '../../runtime/api/problem.js'
import { LedgerError } from '../errors.js'
import type { LedgerErrorCode } from '../errors.js'
import type { ApiResponse } from './message.js'

/** Statuses of the codes of `proofs/`; 400 for all others. */
const PROOF_STATUS: Partial<Record<ProofCode, number>> = {
  too_large: 413,
  unknown_key: 403,
  key_not_valid_at: 403,
  key_reused: 409,
  weak_key: 403,
  bad_signature: 403,
  unsigned: 403,
}

const LEDGER_STATUS: Partial<Record<LedgerErrorCode, number>> = {
  AMBIGUOUS_ID: 409,
  BAD_REQUEST: 400,
  FORBIDDEN: 403,
  ID_CONFLICT: 409,
  MIRROR_UNAVAILABLE: 503,
  NOT_A_PARTICIPANT: 403,
  NOT_FOUND: 404,
  QUORUM_UNMET: 503,
  RATE_LIMITED: 429,
  TOO_LARGE: 413,
  UNAUTHORIZED: 401,
  UNSEALED: 400,
  UNSUPPORTED_MEDIA_TYPE: 415,
}

/** A problem of RFC 9457, with its machine code also as the member `code`. */
export const problem = problemsOf('ledger')

/** The problem that an error comes to; errors that say nothing to a caller become `internal`, without their message. */
export function problemOf(error: unknown): ApiResponse {
  if (error instanceof ProofError) {
    return problem(PROOF_STATUS[error.machineCode] ?? 400, error.machineCode, error.message)
  }
  // Entries that were read at the start and are damaged since: nothing that comes again later would help with.
  if (error instanceof LedgerError && error.code !== 'WAL_DAMAGED') {
    const code = error.code.toLowerCase()
    const status = LEDGER_STATUS[error.code]
    if (status === 429)
      return problem(429, code, error.message, { 'retry-after': String(error.detail['retry_after'] ?? 1) })
    if (status === 401) return problem(401, code, error.message, { 'www-authenticate': 'Bearer' })
    if (status !== undefined) return problem(status, code, error.message)
    return problem(503, error.code === 'STOPPED' ? 'stopped' : 'unavailable', 'the ledger takes nothing now')
  }
  return problem(500, 'internal', 'the ledger could not answer')
}
