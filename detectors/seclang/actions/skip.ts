import { type ActionDefinition, wholeNumber } from './definition.js'

/** Leaves out so many of the following rules; a chain counts as one. */
export const skip: ActionDefinition = {
  name: 'skip',
  kind: 'flow',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.skip = wholeNumber('skip', argument, 1, 1000000, context)
  },
}
