import type { VariableDefinition } from './definition.js'

/** What `setenv` set in this transaction. The environment of the process is not shown to rules: it holds secrets. */
export const env: VariableDefinition = {
  name: 'ENV',
  kind: 'collection',
  entries: (state) => state.environment.entries(),
  find: (state, key) => state.environment.find(key),
}
