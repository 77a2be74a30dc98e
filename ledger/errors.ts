/**
 * Stable codes of this folder. The lower-case form of a code that a caller can cause is also the machine code of its
 * RFC 9457 problem.
 */
export type LedgerErrorCode =
  // What a caller sent.
  | 'MALFORMED_ENTRY'
  | 'NOT_CANONICAL'
  | 'UNKNOWN_KEY'
  | 'WEAK_KEY'
  | 'BAD_SIGNATURE'
  | 'BAD_SEAL'
  | 'UNSIGNED_ENTRY'
  | 'ID_CONFLICT'
  | 'NOT_A_PARTICIPANT'
  | 'TOO_LARGE'
  | 'NOT_FOUND'
  | 'AMBIGUOUS_ID'
  | 'BAD_REQUEST'
  | 'UNAUTHORIZED'
  // What this log is.
  | 'ALREADY_INITIALISED'
  | 'NOT_INITIALISED'
  | 'BAD_IDENTITY'
  | 'LOCKED'
  // What must never happen; the writer stops.
  | 'WAL_DAMAGED'
  | 'WAL_FAILED'
  | 'INDEX_DAMAGED'
  | 'CHECKPOINT_MISSING'
  | 'CHECKPOINT_CONFLICT'
  | 'ROOT_MISMATCH'
  | 'STOPPED'
  // What the world does.
  | 'UNREACHABLE'
  | 'OVERLOADED'

/** Codes after which the writer must not acknowledge anything any more: it exits and recovers by reading. */
const FATAL: ReadonlySet<LedgerErrorCode> = new Set([
  'WAL_DAMAGED',
  'WAL_FAILED',
  'INDEX_DAMAGED',
  'CHECKPOINT_MISSING',
  'CHECKPOINT_CONFLICT',
  'ROOT_MISMATCH',
])

/** An error of the ledger. `detail` holds machine-readable members, never secrets. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError'
  readonly code: LedgerErrorCode
  readonly detail: Readonly<Record<string, string | number>>

  constructor(
    code: LedgerErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly detail?: Readonly<Record<string, string | number>> } = {},
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
