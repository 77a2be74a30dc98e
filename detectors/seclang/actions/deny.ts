import type { ActionDefinition } from './definition.js'

/** Ends the transaction with an error page: `status`, 403 by default. */
export const deny: ActionDefinition = {
  name: 'deny',
  kind: 'disruptive',
  argument: 'none',
  apply: (link) => {
    link.rule.disruptive = { kind: 'block' }
  },
}
