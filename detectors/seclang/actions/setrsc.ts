import type { TransactionState } from '../state.js'
import type { ActionDefinition } from './definition.js'

/** Opens the resource's record of the collection RESOURCE. Macros are expanded. */
export const setrsc: ActionDefinition = {
  name: 'setrsc',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const key = context.macro(argument)
    const apply = (state: TransactionState): void => {
      state.resourceId = key.expand(state)
      state.open('RESOURCE', state.resourceId)
    }
    link.effects.push({ apply, changes: undefined })
  },
}
