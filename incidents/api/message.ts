import type { z } from 'zod'
import { json as anyJson, JSON_TYPE, type ApiResponse } from '../../runtime/api/response.js'
import type { RequestHead } from '../../runtime/api/server.js'
import { messageOf } from '../../runtime/errors.js'
import { IncidentError } from '../errors.js'

/** A request as a route sees it, whichever way it came. */
export interface ApiRequest extends RequestHead {
  /** Members of the path, decoded. */
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Exactly as it was sent. */
  readonly body: Uint8Array
  /** `person:NAME` of the token that was given; `undefined` on open routes. */
  readonly actor?: string | undefined
}

/** What is told of incidents is for whoever asked, not for a cache on the way. */
export const json = (
  status: number,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse => anyJson(status, value, { 'cache-control': 'no-store', ...headers })

/** Reads a JSON body. @throws IncidentError `BAD_REQUEST` that names the member, `UNSUPPORTED_MEDIA_TYPE` */
export function jsonBody<T extends z.ZodType>({ headers, body }: ApiRequest, schema: T): z.output<T> {
  const type = headers['content-type'] ?? ''
  // A form of another site cannot send this type without asking first.
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new IncidentError('UNSUPPORTED_MEDIA_TYPE', `the body must be ${JSON_TYPE}`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new IncidentError('BAD_REQUEST', `the body is not JSON: ${messageOf(cause)}`, { cause })
  }
  return checked(schema, value, 'member')
}

/** Checks members of a query. @throws IncidentError `BAD_REQUEST` that names the member */
export function queryOf<T extends z.ZodType>({ query }: ApiRequest, schema: T): z.output<T> {
  for (const name of new Set(query.keys()))
    if (query.getAll(name).length > 1)
      throw new IncidentError('BAD_REQUEST', `the query member ${name.slice(0, 40)} stands twice`)
  return checked(schema, Object.fromEntries(query), 'query member')
}

function checked<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const unknown = issue?.code === 'unrecognized_keys'
  const name = (unknown ? issue.keys[0] : issue?.path.join('.')) ?? ''
  const problem = unknown ? 'is not known' : (issue?.message ?? 'is wrong')
  throw new IncidentError('BAD_REQUEST', `the ${what} ${name.slice(0, 60)} is refused: ${problem}`)
}
