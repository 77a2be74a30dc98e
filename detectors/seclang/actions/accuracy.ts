import { type ActionDefinition, wholeNumber } from './definition.js'

/** How free of false positives the rule is, 1 to 9. */
export const accuracy: ActionDefinition = {
  name: 'accuracy',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.accuracy = wholeNumber('accuracy', argument, 0, 9, context)
  },
}
