import type { ActionDefinition } from './definition.js'

/** What the log shows of the data that matched. Macros are expanded. */
export const logdata: ActionDefinition = {
  name: 'logdata',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.logdata = context.macro(argument)
  },
}
