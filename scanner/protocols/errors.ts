export type ProtocolErrorCode =
  'PROTOCOL_ENDED' | 'PROTOCOL_MALFORMED' | 'PROTOCOL_TIMEOUT' | 'PROTOCOL_TOO_LARGE' | 'PROTOCOL_TOO_LONG'

/** What goes wrong on a connection; `code` is stable. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'

  constructor(
    readonly code: ProtocolErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}
