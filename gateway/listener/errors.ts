export type ListenerErrorCode =
  /** The address cannot be bound. */
  | 'LISTEN_FAILED'
  /** The asked-for listener cannot run here, or not with these options. */
  | 'LISTENER_UNAVAILABLE'
  /** An option is out of its range. */
  | 'INVALID_OPTION'
  /** A status, header or framing that cannot be sent. */
  | 'INVALID_RESPONSE'
  /** A second response for one exchange. */
  | 'RESPONSE_STARTED'
  /** A second `read` of one body. */
  | 'BODY_TAKEN'
  /** The body's framing is broken. Answer 400. */
  | 'MALFORMED_BODY'
  /** The body stood still for too long. Answer 408. */
  | 'BODY_TIMEOUT'
  /** The client went away before the body was complete. */
  | 'CLIENT_ABORTED'
  /** A listener did not deliver the client's bytes in the self-test. */
  | 'SELF_TEST_FAILED'

/** What goes wrong in `gateway/listener/`. `code` is stable; the message is for people. */
export class ListenerError extends Error {
  override readonly name = 'ListenerError'

  constructor(
    readonly code: ListenerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
