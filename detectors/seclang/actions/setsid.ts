import type { TransactionState } from '../state.js'
import type { ActionDefinition } from './definition.js'

/** Opens the session's record of the collection SESSION. Macros are expanded. */
export const setsid: ActionDefinition = {
  name: 'setsid',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const key = context.macro(argument)
    const apply = (state: TransactionState): void => {
      state.sessionId = key.expand(state)
      state.open('SESSION', state.sessionId)
    }
    link.effects.push({ apply, changes: undefined })
  },
}
