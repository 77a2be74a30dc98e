import type { ActionDefinition } from './definition.js'

/** Marks the transaction for the audit log. */
export const auditlog: ActionDefinition = {
  name: 'auditlog',
  kind: 'log',
  argument: 'none',
  apply: (link) => {
    link.rule.auditlog = true
  },
}
