import type { HeaderList } from '../../detectors/request.js'
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

export interface PreparedHead {
  readonly headers: HeaderList
  /** The `Content-Length` that was among the given fields, for responses that only speak of a body. */
  readonly givenLength: number | undefined
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
  checkFields(headers)
  const kept: (readonly [string, string])[] = []
  let givenLength: number | undefined
  for (const field of headers) {
    const name = field[0].toLowerCase()
    if (!OURS.has(name)) kept.push(field)
    else if (name === 'content-length' && /^[0-9]{1,15}$/.test(field[1])) givenLength = Number(field[1])
  }
  return { headers: kept, givenLength }
}

/** @throws ListenerError `INVALID_RESPONSE` for a field that cannot be sent; the value is not repeated in the message. */
export function checkFields(headers: HeaderList): void {
  for (const [name, value] of headers) {
    if (!TOKEN.test(name)) throw new ListenerError('INVALID_RESPONSE', 'a response field has no valid name')
    if (!FIELD_VALUE.test(value)) {
      throw new ListenerError(
        'INVALID_RESPONSE',
        `the value of the response field ${name} holds bytes that cannot be sent`,
      )
    }
  }
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
