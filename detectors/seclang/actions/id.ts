import { type ActionDefinition, wholeNumber } from './definition.js'

/** The number that the rule is known by; unique within a rule set. */
export const id: ActionDefinition = {
  name: 'id',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.id = wholeNumber('id', argument, 1, 4294967295, context)
  },
}
