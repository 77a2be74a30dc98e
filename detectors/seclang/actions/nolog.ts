import type { ActionDefinition } from './definition.js'

/** Keeps matches of the rule out of every log. */
export const nolog: ActionDefinition = {
  name: 'nolog',
  kind: 'log',
  argument: 'none',
  apply: (link) => {
    link.rule.log = false
    link.rule.auditlog = false
  },
}
