import type { HeaderList } from '../../detectors/request.js'
import { sameToken } from '../../detectors/transaction/bytes.js'
import type { RefusalReason } from './listener.js'

const HOST_CHARACTERS = /^[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]*$/
const NONE: readonly string[] = []
const DIGITS = /^[0-9]+$/

/** Whether this can be `uri-host [":" port]` of RFC 9110 section 7.2, by its characters. */
export function isHost(value: string): boolean {
  return HOST_CHARACTERS.test(value)
}

export interface RequestFacts {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  readonly headers: HeaderList
}

/**
 * Whether a request that a parser let through must still be refused, because two recipients could read it differently
 * (RFC 9112 sections 3.2 and 6.3, RFC 9110 sections 7.2 and 8.6). The first finding wins.
 */
export function refusalOf(request: RequestFacts): RefusalReason | undefined {
  let host: string | undefined
  let hosts = 0
  let lengths: string[] | undefined
  let codings: string[] | undefined
  let expectation: string | undefined
  for (const [name, value] of request.headers) {
    // Nearly all names are told apart by their length, without a new string.
    switch (name.length) {
      case 4:
        if (sameToken(name, 'host') && hosts++ === 0) host = value
        break
      case 6:
        if (sameToken(name, 'expect'))
          expectation = expectation === undefined ? value : `${expectation},${value}`
        break
      case 14:
        if (sameToken(name, 'content-length')) (lengths ??= []).push(value)
        break
      case 17:
        if (sameToken(name, 'transfer-encoding')) (codings ??= []).push(value)
        break
    }
  }
  if (request.method === 'CONNECT') return 'connect_method'
  // A fragment is never sent (RFC 9110, section 7.1); applications disagree on whether it ends the query.
  if (request.target.includes('#')) return 'fragment_in_target'
  if (hosts > 1) return 'several_hosts'
  if (host === undefined && request.httpVersion !== '1.0') return 'missing_host'
  if (host === '' && request.httpVersion !== '1.0') return 'empty_host'
  if (host !== undefined && !isHost(host)) return 'invalid_host'
  return (
    framingRefusal(request.httpVersion, lengths ?? NONE, codings ?? NONE) ??
    expectationRefusal(request.httpVersion, expectation)
  )
}

function framingRefusal(
  version: RequestFacts['httpVersion'],
  lengths: readonly string[],
  codings: readonly string[],
): RefusalReason | undefined {
  const length = lengths[0]
  if (length !== undefined) {
    if (codings.length > 0) return 'content_length_with_transfer_encoding'
    if (lengths.some((other) => other !== length)) return 'differing_content_length'
    if (!DIGITS.test(length) || !Number.isSafeInteger(Number(length))) return 'invalid_content_length'
  }
  if (codings.length > 0) {
    if (version === '1.0') return 'transfer_encoding_in_http_1_0'
    if (version === '2.0') return 'unknown_transfer_coding'
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') return 'unknown_transfer_coding'
  }
  return undefined
}

/** RFC 9110 section 10.1.1: HTTP/1.0 has no expectations, and 100-continue is the only one there is. */
function expectationRefusal(
  version: RequestFacts['httpVersion'],
  expectation: string | undefined,
): RefusalReason | undefined {
  if (expectation === undefined || version === '1.0') return undefined
  return expectation.toLowerCase() === '100-continue' ? undefined : 'unsupported_expectation'
}

/** The length that a body's framing announces; undefined for none, or for one that {@link refusalOf} refuses. */
export function announcedLength(headers: HeaderList): number | undefined {
  for (const [name, value] of headers) {
    if (sameToken(name, 'content-length')) {
      return DIGITS.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : undefined
    }
  }
  return undefined
}
