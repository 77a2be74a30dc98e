import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import type { HeaderList } from '../../../detectors/request.js'
import { fromUtf8Decoded } from '../byte-string.js'
import { addressText } from '../peer-address.js'

/** All that is needed of uWebSockets' request, which is only valid while its handler runs. */
export interface CopiedRequest {
  readonly method: string
  readonly target: string
  readonly headers: HeaderList
  readonly client: string
  /** The text held bytes that are not UTF-8, so it is not what the client sent. */
  readonly undecodable: boolean
  /** About the size of the head on the wire. */
  readonly headBytes: number
}

/** Copies the request; call it first thing in a handler. */
export function copyRequest(response: HttpResponse, request: HttpRequest): CopiedRequest {
  let undecodable = false
  let headBytes = 0
  const exact = (text: string): string => {
    const bytes = fromUtf8Decoded(text)
    if (bytes === undefined) undecodable = true
    return bytes ?? text
  }
  const headers: (readonly [string, string])[] = []
  request.forEach((name, value) => {
    const field = [exact(name), exact(value)] as const
    headBytes += field[0].length + field[1].length + 4
    headers.push(field)
  })
  const path = exact(request.getUrl())
  // Without a `?` this gives undefined, whatever its type says; with nothing behind the `?` an empty string.
  const query: string | undefined = request.getQuery()
  const target = query === undefined ? path : `${path}?${exact(query)}`
  // It routes only methods in upper case, and tells them in lower case.
  const method = request.getCaseSensitiveMethod().toUpperCase()
  return {
    method,
    target,
    headers,
    client: addressText(new Uint8Array(response.getRemoteAddress())),
    undecodable,
    headBytes: headBytes + method.length + target.length + 12,
  }
}

export function header(headers: HeaderList, lower: string): string | undefined {
  return headers.find(([name]) => name === lower)?.[1]
}
