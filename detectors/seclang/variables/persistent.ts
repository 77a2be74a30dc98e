import { NO_ENTRIES } from '../collections/entry.js'
import { PERSISTENT_COLLECTIONS } from '../collections/persistent.js'
import type { VariableDefinition } from './definition.js'

/** GLOBAL, IP, SESSION, USER, RESOURCE: empty until `initcol`, `setsid`, `setuid` or `setrsc` opened a record. */
export const persistent: readonly VariableDefinition[] = PERSISTENT_COLLECTIONS.map((name) => ({
  name,
  kind: 'collection',
  entries: (state) => state.opened.get(name)?.entries() ?? NO_ENTRIES,
  find: (state, lower) => state.opened.get(name)?.values.lookUp(lower),
}))
