import type { ActionDefinition } from './definition.js'

/** Keeps the groups of a match as `TX:0` to `TX:9`. */
export const capture: ActionDefinition = {
  name: 'capture',
  kind: 'match',
  argument: 'none',
  apply: (link) => {
    link.capture = true
  },
}
