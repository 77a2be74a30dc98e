export type WebhookErrorCode =
  /** No tracker of that name takes webhooks. */
  | 'WEBHOOK_UNKNOWN'
  | 'WEBHOOK_UNSIGNED'
  | 'WEBHOOK_MALFORMED'
  /** Its signed time is too far from ours. */
  | 'WEBHOOK_STALE'
  /** It was here before. */
  | 'WEBHOOK_REPLAYED'
  /** A task that nobody here can do; whoever gave it is to know. */
  | 'WEBHOOK_NO_TAKER'

const STATUS: Readonly<Record<WebhookErrorCode, number>> = {
  WEBHOOK_UNKNOWN: 404,
  WEBHOOK_UNSIGNED: 401,
  WEBHOOK_MALFORMED: 400,
  WEBHOOK_STALE: 400,
  WEBHOOK_REPLAYED: 409,
  WEBHOOK_NO_TAKER: 422,
}

/** A webhook that is refused; `code` is stable, `status` is what HTTP answers with. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
  readonly status: number

  constructor(
    readonly code: WebhookErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
    this.status = STATUS[code]
  }
}
