import type { ActionDefinition } from './definition.js'

/** A class that the rule belongs to; may be given many times. Macros are expanded. */
export const tag: ActionDefinition = {
  name: 'tag',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.tags.push(context.macro(argument))
  },
}
