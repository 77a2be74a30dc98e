import type { ActionDefinition } from './definition.js'

/** Opens the session's record of the collection SESSION. Macros are expanded. */
export const setsid: ActionDefinition = {
  name: 'setsid',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const key = context.macro(argument)
    link.effects.push((state) => {
      state.sessionId = key.expand(state)
      state.open('SESSION', state.sessionId)
    })
  },
}
