import { NO_ENTRIES, scalar } from '../collections/entry.js'
import type { TransactionState } from '../state.js'
import type { VariableDefinition } from './definition.js'

/** A variable of one value; `undefined` means that it does not exist in this transaction. */
export function scalarVariable(
  name: string,
  read: (state: TransactionState) => string | undefined,
): VariableDefinition {
  return {
    name,
    kind: 'scalar',
    entries: (state) => {
      const value = read(state)
      return value === undefined ? NO_ENTRIES : scalar(value)
    },
  }
}
