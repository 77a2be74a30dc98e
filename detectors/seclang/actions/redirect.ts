import type { ActionDefinition } from './definition.js'

/** Sends the client elsewhere; `status` 301, 302, 303, 307 or 308, 302 by default. Macros are expanded. */
export const redirect: ActionDefinition = {
  name: 'redirect',
  kind: 'disruptive',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.disruptive = { kind: 'redirect', location: context.macro(argument) }
  },
}
