import { scalar } from '../collections/entry.js'
import type { VariableDefinition } from './definition.js'

/** Bytes of all parameter names and values together; files do not count. */
export const argsCombinedSize: VariableDefinition = {
  name: 'ARGS_COMBINED_SIZE',
  kind: 'scalar',
  entries: (state) => {
    let size = 0
    for (const { key, value } of state.args) size += key.length + value.length
    return scalar(String(size))
  },
}
