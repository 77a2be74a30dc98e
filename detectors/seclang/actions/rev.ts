import type { ActionDefinition } from './definition.js'

/** Revision of the rule. */
export const rev: ActionDefinition = {
  name: 'rev',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument) => {
    link.rule.rev = argument
  },
}
