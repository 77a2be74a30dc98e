import type { ActionDefinition } from './definition.js'

/** Records matches of the rule. */
export const log: ActionDefinition = {
  name: 'log',
  kind: 'log',
  argument: 'none',
  apply: (link) => {
    link.rule.log = true
    link.rule.auditlog = true
  },
}
