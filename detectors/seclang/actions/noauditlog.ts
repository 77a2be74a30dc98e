import type { ActionDefinition } from './definition.js'

/** A match alone does not put the transaction into the audit log. */
export const noauditlog: ActionDefinition = {
  name: 'noauditlog',
  kind: 'log',
  argument: 'none',
  apply: (link) => {
    link.rule.auditlog = false
  },
}
