import { json, type ApiResponse } from './response.js'

/** Makes a problem of RFC 9457, with its machine code also as the member `code`. */
export type Problem = (
  status: number,
  code: string,
  detail: string,
  headers?: Readonly<Record<string, string>>,
) => ApiResponse

/** The problems of one role, with types such as `urn:portcullis:ledger:not_found`. */
export const problemsOf =
  (role: string): Problem =>
  (status, code, detail, headers = {}) =>
    json(
      status,
      { type: `urn:portcullis:${role}:${code}`, title: code.replaceAll('_', ' '), status, code, detail },
      { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    )

/** The error that a problem of a role comes to on the other side: its code in upper case, its detail as the message. */
export function problemError(answer: ApiResponse, role: string): Error {
  const { code, detail } = membersOf(answer)
  const message = typeof detail === 'string' ? detail : `the ${role} answered ${answer.status}`
  const name = typeof code === 'string' ? code : `${role}_error`
  return Object.assign(new Error(message), { code: name.toUpperCase() })
}

function membersOf({ body }: ApiResponse): { readonly code?: unknown; readonly detail?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
