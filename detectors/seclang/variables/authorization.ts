import { NO_ENTRIES, scalar } from '../collections/entry.js'
import type { TransactionState } from '../state.js'
import type { VariableDefinition } from './definition.js'

/** Scheme of the Authorization header. */
export const authType: VariableDefinition = {
  name: 'AUTH_TYPE',
  kind: 'scalar',
  entries: (state) => {
    const [scheme = ''] = authorization(state).split(' ', 1)
    return scheme === '' ? NO_ENTRIES : scalar(scheme)
  },
}

/** User name of Basic credentials, as the client claims it: nobody has checked the password here. */
export const remoteUser: VariableDefinition = {
  name: 'REMOTE_USER',
  kind: 'scalar',
  entries: (state) => {
    const value = authorization(state)
    if (!/^basic /i.test(value)) return NO_ENTRIES
    const credentials = Buffer.from(value.slice(6).trim(), 'base64').toString('latin1')
    const colon = credentials.indexOf(':')
    return colon < 0 ? NO_ENTRIES : scalar(credentials.slice(0, colon))
  },
}

function authorization(state: TransactionState): string {
  return state.tx.headers.get('authorization') ?? ''
}
