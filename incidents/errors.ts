export type IncidentErrorCode =
  | 'BAD_REQUEST'
  | 'BAD_TOKEN'
  | 'BAD_TRANSITION'
  | 'CONFLICT'
  | 'FORBIDDEN'
  | 'INCIDENT_NOT_FOUND'
  | 'IN_USE'
  | 'INCIDENT_STORE'
  | 'NOT_FOUND'
  | 'TOO_LARGE'
  | 'UNAUTHORIZED'
  | 'UNREACHABLE'
  | 'UNSUPPORTED_MEDIA_TYPE'

/** A failure of what follows a detection; `code` is stable. */
export class IncidentError extends Error {
  override readonly name = 'IncidentError'

  constructor(
    readonly code: IncidentErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}
