import type { ActionDefinition } from './definition.js'

/** Judges the value before and after every transformation that changes it. */
export const multiMatch: ActionDefinition = {
  name: 'multimatch',
  kind: 'match',
  argument: 'none',
  apply: (link) => {
    link.multiMatch = true
  },
}
