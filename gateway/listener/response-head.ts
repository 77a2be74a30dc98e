import type { HeaderList } from '../../detectors/request.js'
import { byName } from './by-name.js'
import { toBytes } from './byte-string.js'
import { ListenerError } from './errors.js'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** What a field value may hold (RFC 9110 section 5.5), as a byte string. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Framing and connection fields: the listener's own business. */
const OURS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
])

type NameKind = 'plain' | 'date' | 'ours' | 'length' | 'invalid'

const kindOf = byName((name): NameKind => {
  if (!TOKEN.test(name)) return 'invalid'
  const lower = name.toLowerCase()
  if (lower === 'content-length') return 'length'
  if (lower === 'date') return 'date'
  return OURS.has(lower) ? 'ours' : 'plain'
})

export interface PreparedHead {
  readonly headers: HeaderList
  /** The `Content-Length` that was among the given fields, for responses that only speak of a body. */
  readonly givenLength: number | undefined
  /** Whether a `Date` is among them. */
  readonly dated: boolean
}

/**
 * Checks a final response head and takes out the fields that are ours.
 *
 * @throws ListenerError `INVALID_RESPONSE` for a status outside 200 to 999 and for a field that would break the framing.
 */
export function prepareHead(status: number, headers: HeaderList): PreparedHead {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new ListenerError('INVALID_RESPONSE', `status ${status} is not that of a final response`)
  }
  const kept: (readonly [string, string])[] = []
  let givenLength: number | undefined
  let dated = false
  for (const field of headers) {
    const kind = checkField(field)
    if (kind === 'plain') kept.push(field)
    else if (kind === 'date') {
      dated = true
      kept.push(field)
    } else if (kind === 'length' && /^[0-9]{1,15}$/.test(field[1])) givenLength = Number(field[1])
  }
  return { headers: kept, givenLength, dated }
}

/** @throws ListenerError `INVALID_RESPONSE` for a field that cannot be sent; the value is not repeated in the message. */
export function checkFields(headers: HeaderList): void {
  for (const field of headers) checkField(field)
}

function checkField([name, value]: readonly [string, string]): NameKind {
  const kind = kindOf(name)
  if (kind === 'invalid') throw new ListenerError('INVALID_RESPONSE', 'a response field has no valid name')
  if (!FIELD_VALUE.test(value)) {
    throw new ListenerError(
      'INVALID_RESPONSE',
      `the value of the response field ${name} holds bytes that cannot be sent`,
    )
  }
  return kind
}

/** Whether a response to this method with this status has content (RFC 9110 section 6.4.1). */
export function hasContent(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304
}

/** The bytes of a whole body. @throws ListenerError `INVALID_RESPONSE` for a string that is no byte string. */
export function bodyBytes(body: Uint8Array | string | undefined): Uint8Array | undefined {
  if (typeof body !== 'string') return body
  const bytes = toBytes(body)
  if (bytes === undefined) throw new ListenerError('INVALID_RESPONSE', 'the body is not a byte string')
  return bytes
}
