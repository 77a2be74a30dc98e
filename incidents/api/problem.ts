import { IncidentError } from '../errors.js'
import type { IncidentErrorCode } from '../errors.js'
import type { ApiResponse } from './message.js'

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
export function problem(
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  const members = {
    type: `urn:portcullis:incidents:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    code,
    detail,
  }
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: Buffer.from(`${JSON.stringify(members)}\n`),
  }
}

/** The problem that an error comes to; errors that say nothing to a caller become `internal`, without their message. */
export function problemOf(error: unknown): ApiResponse {
  const status = error instanceof IncidentError ? STATUS[error.code] : undefined
  if (!(error instanceof IncidentError) || status === undefined)
    return problem(500, 'internal', 'the incidents could not answer')
  const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return problem(status, error.code.toLowerCase(), error.message, headers)
}

/** The error that a problem comes to on the other side. */
export function problemError(answer: ApiResponse): Error {
  const members = membersOf(answer)
  const code = typeof members['code'] === 'string' ? members['code'].toUpperCase() : 'INCIDENTS_ERROR'
  const detail = typeof members['detail'] === 'string' ? members['detail'] : `the answer is ${answer.status}`
  return Object.assign(new Error(detail), { code })
}

function membersOf({ body }: ApiResponse): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
