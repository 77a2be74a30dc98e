import type { HeaderList } from '../detectors/request.js'
import { headerValue } from './header-fields.js'

/** What an id of a client may look like; it is written to logs, so it holds no space, quote or control character. */
const CLIENT_ID = /^[A-Za-z0-9._~+/=:-]{1,128}$/

/**
 * The id that the client gave its own request. It is kept in the log beside ours and never replaces it: a client that
 * could choose the id could make two requests answer to one name.
 *
 * @returns undefined when there is none, several, or one that is no id
 */
export const clientRequestId = (headers: HeaderList): string | undefined => {
  const value = headerValue(headers, 'x-request-id')
  return value !== undefined && CLIENT_ID.test(value) ? value : undefined
}
