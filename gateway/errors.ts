export type GatewayErrorCode =
  | 'GATEWAY_ANSWER_STORE'
  | 'GATEWAY_AUDIT_LOG'
  | 'GATEWAY_CONFIG'
  | 'GATEWAY_GEO'
  | 'GATEWAY_RULE_FILE'
  | 'GATEWAY_SITE'
  | 'GATEWAY_THREAD'
  | 'GATEWAY_UPSTREAM_BUSY'
  | 'GATEWAY_UPSTREAM_REQUEST'
  | 'GATEWAY_UPSTREAM_RESPONSE'
  | 'GATEWAY_VERDICT_STORE'

/**
 * A failure of the gateway itself. The message is for an operator and never reaches a client; `cause` holds what was
 * caught.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'

  constructor(
    readonly code: GatewayErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}
