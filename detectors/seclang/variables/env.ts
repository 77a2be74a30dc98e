import type { VariableDefinition } from './definition.js'

/**
 * What `setenv` set in this transaction, and those variables of the process that the operator listed. The rest of its environment is not shown to
 * rules: it holds secrets.
 */
export const env: VariableDefinition = {
  name: 'ENV',
  kind: 'collection',
  entries: (state) => state.environment.entries(),
  find: (state, lower) => state.environment.lookUp(lower),
}
