import type { ActionDefinition } from './definition.js'

/** Opens the resource's record of the collection RESOURCE. Macros are expanded. */
export const setrsc: ActionDefinition = {
  name: 'setrsc',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const key = context.macro(argument)
    link.effects.push((state) => {
      state.resourceId = key.expand(state)
      state.open('RESOURCE', state.resourceId)
    })
  },
}
