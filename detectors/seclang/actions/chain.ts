import type { ActionDefinition } from './definition.js'

/** The next rule must match too. */
export const chain: ActionDefinition = {
  name: 'chain',
  kind: 'match',
  argument: 'none',
  apply: (link) => {
    link.chained = true
  },
}
