import type { TransactionState } from '../state.js'
import { scalarVariable } from './scalar.js'

/** Request line, headers and body in one. */
export const fullRequest = scalarVariable('FULL_REQUEST', text)

export const fullRequestLength = scalarVariable('FULL_REQUEST_LENGTH', (state) => String(text(state).length))

function text(state: TransactionState): string {
  const { tx } = state
  const head = tx.headers.list.map(([name, value]) => `${name}: ${value}\n`).join('')
  const body = state.bodyParsed ? tx.requestBodyText : ''
  return `${tx.method} ${tx.target} ${tx.protocol}\n${head}\n${body}`
}
