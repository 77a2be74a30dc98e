import type { TransactionState } from '../state.js'
import type { ActionDefinition } from './definition.js'

/** Sets `ENV:name` for the rest of the transaction; `setenv:!name` forgets it. */
export const setenv: ActionDefinition = {
  name: 'setenv',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    if (argument.startsWith('!')) {
      const gone = context.macro(argument.slice(1))
      link.effects.push({
        apply: (state) => state.environment.delete(gone.expand(state)),
        changes: undefined,
      })
      return
    }
    const equals = argument.indexOf('=')
    const name = context.macro(equals < 0 ? argument : argument.slice(0, equals))
    const value = context.macro(equals < 0 ? '1' : argument.slice(equals + 1))
    const apply = (state: TransactionState): void => {
      if (!state.environment.set(name.expand(state), value.expand(state)))
        state.tx.truncate('seclang_variables')
    }
    link.effects.push({ apply, changes: undefined })
  },
}
