import type { ActionDefinition } from './definition.js'

/** Goes on with the next rule. */
export const pass: ActionDefinition = {
  name: 'pass',
  kind: 'disruptive',
  argument: 'none',
  apply: (link) => {
    link.rule.disruptive = { kind: 'pass' }
  },
}
