import type { ActionDefinition } from './definition.js'

/** What the log says of a match. Macros are expanded. */
export const msg: ActionDefinition = {
  name: 'msg',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.msg = context.macro(argument)
  },
}
