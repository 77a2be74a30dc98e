import type { Api } from '../../runtime/api/server.js'
import { problem } from './problem.js'
import type { LedgerApi } from './routes.js'

export const SOCKET_NAME = 'ledger.sock'

/** The API of a ledger or a witness as a server takes it. @param maxBody bytes */
export const overHttp = (api: LedgerApi, maxBody: number): Api => ({
  problem,
  admit: ({ method, target, headers, channel, remote }) => {
    const { 'content-type': contentType, accept, authorization } = headers
    const head = { method, target, channel, address: remote, contentType, accept, authorization }
    return api.refuse?.(head) ?? { maxBody, answer: (body) => api({ ...head, body }) }
  },
})
