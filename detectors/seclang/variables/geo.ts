import type { VariableDefinition } from './definition.js'

/** What the last `@geoLookup` found. */
export const geo: VariableDefinition = {
  name: 'GEO',
  kind: 'collection',
  entries: (state) => [...state.geo].map(([key, value]) => ({ key, value })),
}
