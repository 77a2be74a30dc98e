export type IncidentErrorCode =
  'INCIDENT_STORE' | 'INCIDENT_NOT_FOUND' | 'ALERT_REJECTED' | 'ALERT_UNREACHABLE'

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
