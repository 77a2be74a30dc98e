import type { VariableDefinition } from './definition.js'

/** Variables that rules keep for one transaction; `TX:0` to `TX:9` are the groups of the last capture. */
export const tx: VariableDefinition = {
  name: 'TX',
  kind: 'collection',
  entries: (state) => state.txVariables.entries(),
  find: (state, lower) => state.txVariables.lookUp(lower),
}
