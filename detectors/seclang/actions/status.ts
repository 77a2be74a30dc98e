import { type ActionDefinition, wholeNumber } from './definition.js'

/** HTTP status that `deny` and `redirect` answer with. */
export const status: ActionDefinition = {
  name: 'status',
  kind: 'log',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.status = wholeNumber('status', argument, 100, 599, context)
  },
}
