export type TrackerErrorCode =
  /** No connection; nothing was sent. */
  | 'TRACKER_UNREACHABLE'
  /** The connection or the time ended before an answer came. */
  | 'TRACKER_NO_ANSWER'
  /** The token is not accepted, or may not do this. */
  | 'TRACKER_UNAUTHORIZED'
  | 'TRACKER_NOT_FOUND'
  | 'TRACKER_CONFLICT'
  /** The tracker finds the request wrong. */
  | 'TRACKER_INVALID'
  /** Too many requests. */
  | 'TRACKER_BUSY'
  /** The tracker says that it failed. */
  | 'TRACKER_FAILED'
  /** An answer that cannot be understood. */
  | 'TRACKER_ANSWER'
  /** A read would go on beyond its limit: whether the issue is there stays unknown. */
  | 'TRACKER_READ_LIMIT'

/** A tracker did not do what was asked; `code` is stable. */
export class TrackerError extends Error {
  override readonly name = 'TrackerError'
  /** Whether the same request can succeed later. */
  readonly retryable: boolean
  /** Whether the tracker may have done it all the same: look before you try again. */
  readonly ambiguous: boolean
  /** Milliseconds that the tracker asks to wait. */
  readonly retryAfterMs?: number

  constructor(
    readonly code: TrackerErrorCode,
    message: string,
    options: {
      readonly retryable: boolean
      readonly ambiguous: boolean
      readonly retryAfterMs?: number
      readonly cause?: unknown
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryable = options.retryable
    this.ambiguous = options.ambiguous
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
  }
}
