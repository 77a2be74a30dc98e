import type { ApiResponse } from '../../runtime/api/response.js'
import { problemsOf } from '../../runtime/api/problem.js'
import { IncidentError } from '../errors.js'
import type { IncidentErrorCode } from '../errors.js'

const STATUS: Partial<Record<IncidentErrorCode, number>> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  INCIDENT_NOT_FOUND: 404,
  NOT_FOUND: 404,
  BAD_TRANSITION: 409,
  CONFLICT: 409,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
}

/** A problem of RFC 9457, with its machine code also as the member `code`. */
export const problem = problemsOf('incidents')

/** The problem that an error comes to; errors that say nothing to a caller become `internal`, without their message. */
export function problemOf(error: unknown): ApiResponse {
  const status = error instanceof IncidentError ? STATUS[error.code] : undefined
  if (!(error instanceof IncidentError) || status === undefined)
    return problem(500, 'internal', 'the incidents could not answer')
  const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return problem(status, error.code.toLowerCase(), error.message, headers)
}
