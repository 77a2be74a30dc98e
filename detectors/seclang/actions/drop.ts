import type { ActionDefinition } from './definition.js'

/** Closes the connection without an answer. */
export const drop: ActionDefinition = {
  name: 'drop',
  kind: 'disruptive',
  argument: 'none',
  apply: (link) => {
    link.rule.disruptive = { kind: 'drop' }
  },
}
