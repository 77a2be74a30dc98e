import type { ActionDefinition } from './definition.js'

/** Does what SecDefaultAction of the seclang phase says. */
export const block: ActionDefinition = {
  name: 'block',
  kind: 'disruptive',
  argument: 'none',
  apply: (link) => {
    link.rule.disruptive = link.rule.blockMeans
  },
}
