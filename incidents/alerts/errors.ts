export type AlertErrorCode = 'ALERT_CONFIG' | 'ALERT_REJECTED' | 'ALERT_UNREACHABLE'

/** An attempt at an alert that failed; no message holds an address or a token of the channel. */
export class AlertError extends Error {
  override readonly name = 'AlertError'
  /** Whether another attempt may succeed. */
  readonly retryable: boolean
  /** Milliseconds that the receiver asked to wait. */
  readonly retryAfterMs: number | undefined

  constructor(
    readonly code: AlertErrorCode,
    message: string,
    options: {
      readonly cause?: unknown
      readonly retryable?: boolean
      readonly retryAfterMs?: number | undefined
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryable = options.retryable ?? true
    this.retryAfterMs = options.retryAfterMs
  }
}
