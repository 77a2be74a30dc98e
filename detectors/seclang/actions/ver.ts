import type { ActionDefinition } from './definition.js'

/** Version of the rule set that the rule belongs to. */
export const ver: ActionDefinition = {
  name: 'ver',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument) => {
    link.rule.ver = argument
  },
}
