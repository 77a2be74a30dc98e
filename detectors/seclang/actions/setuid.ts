import type { TransactionState } from '../state.js'
import type { ActionDefinition } from './definition.js'

/** Opens the user's record of the collection USER. Macros are expanded. */
export const setuid: ActionDefinition = {
  name: 'setuid',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const key = context.macro(argument)
    const apply = (state: TransactionState): void => {
      state.userId = key.expand(state)
      state.open('USER', state.userId)
    }
    link.effects.push({ apply, changes: undefined })
  },
}
