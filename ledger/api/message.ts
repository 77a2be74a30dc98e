import type { ApiResponse } from '../../runtime/api/response.js'

export { json, JSON_TYPE } from '../../runtime/api/response.js'
export type { ApiResponse } from '../../runtime/api/response.js'

/** A request as the API sees it, whichever way it came. */
export interface ApiRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly target: string
  /** Who may write: the owner of the data folder does over the socket, a bearer of the token over TCP. */
  readonly channel: 'local' | 'tcp'
  /** Address of the caller over TCP. */
  readonly address?: string | undefined
  readonly contentType?: string | undefined
  readonly accept?: string | undefined
  readonly authorization?: string | undefined
  readonly body: Uint8Array
}

export const NOTE_TYPE = 'text/x.portcullis.note'
export const ENTRIES_TYPE = 'application/x.portcullis.entries'
export const TEXT_TYPE = 'text/plain; charset=utf-8'

export function text(
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): ApiResponse {
  return { status, headers: { 'content-type': TEXT_TYPE, ...headers }, body }
}

/** Whether the caller asks for a COSE receipt. */
export function wantsCose(request: ApiRequest): boolean {
  return /(?:^|[\s,])application\/cose(?:$|[\s,;])/i.test(request.accept ?? '')
}

/** Whether the caller asks for JSON instead of the text form. */
export function wantsJson(request: ApiRequest): boolean {
  return /(?:^|[\s,])application\/json(?:$|[\s,;])/i.test(request.accept ?? '')
}
