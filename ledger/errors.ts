/**
 * Stable codes of this folder. What is wrong with the bytes of an entry is a `ProofError` of `proofs/`; these are the
 * codes of the log around them. The lower-case form of a code that a caller can cause is the machine code of its
 * RFC 9457 problem.
 */
export type LedgerErrorCode =
  // What a caller asked for.
  | 'AMBIGUOUS_ID'
  | 'BAD_REQUEST'
  | 'FORBIDDEN'
  | 'ID_CONFLICT'
  | 'MIRROR_UNAVAILABLE'
  | 'NOT_A_PARTICIPANT'
  | 'NOT_FOUND'
  | 'QUORUM_UNMET'
  | 'RATE_LIMITED'
  | 'TOO_LARGE'
  | 'UNAUTHORIZED'
  | 'UNSEALED'
  | 'UNSUPPORTED_MEDIA_TYPE'
  // What stands in the way of a start.
  | 'ALREADY_INITIALISED'
  | 'BAD_IDENTITY'
  | 'BAD_KEY'
  | 'BAD_KEY_REQUEST'
  | 'BAD_MIRROR'
  | 'BAD_WITNESSES'
  | 'LOCKED'
  | 'NOT_INITIALISED'
  | 'SOCKET'
  // What must never happen; the writer stops.
  | 'CHECKPOINT_CONFLICT'
  | 'CHECKPOINT_MISSING'
  | 'INDEX_DAMAGED'
  | 'INDEX_FAILED'
  | 'ROOT_MISMATCH'
  | 'WAL_DAMAGED'
  | 'WAL_FAILED'
  // What a witness does.
  | 'WITNESS_AHEAD'
  | 'WITNESS_FAILED'
  // What ends.
  | 'STOPPED'
  | 'UNREACHABLE'

/** Codes after which the writer must not acknowledge anything any more: it exits and recovers by reading. */
const FATAL: ReadonlySet<LedgerErrorCode> = new Set([
  'CHECKPOINT_CONFLICT',
  'CHECKPOINT_MISSING',
  'INDEX_DAMAGED',
  'INDEX_FAILED',
  'ROOT_MISMATCH',
  'WAL_DAMAGED',
  'WAL_FAILED',
])

/** Machine-readable facts of an error; never secrets. */
export type ErrorDetail = Readonly<Record<string, string | number>>

/** An error of the ledger. The message is fit for an operator. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError'
  readonly code: LedgerErrorCode
  readonly detail: ErrorDetail

  constructor(
    code: LedgerErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly detail?: ErrorDetail } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail ?? {}
  }

  /** Whether the writer has to stop. */
  get fatal(): boolean {
    return FATAL.has(this.code)
  }
}
