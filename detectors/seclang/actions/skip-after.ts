import type { ActionDefinition } from './definition.js'

/** Goes on after the SecMarker (or rule id) of this name. */
export const skipAfter: ActionDefinition = {
  name: 'skipafter',
  kind: 'flow',
  argument: 'required',
  apply: (link, argument) => {
    link.rule.skipAfter = argument
  },
}
