import { isPersistent } from '../collections/persistent.js'
import { type ActionDefinition, badArgument } from './definition.js'

/** Opens a record of a persistent collection: `initcol:ip=%{REMOTE_ADDR}`. */
export const initcol: ActionDefinition = {
  name: 'initcol',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const equals = argument.indexOf('=')
    const collection = argument.slice(0, Math.max(equals, 0)).trim().toUpperCase()
    if (!isPersistent(collection)) {
      throw badArgument(
        'initcol',
        argument,
        'global, ip, session, user or resource and a key are wanted',
        context,
      )
    }
    const key = context.macro(argument.slice(equals + 1))
    link.effects.push({ apply: (state) => state.open(collection, key.expand(state)), changes: undefined })
  },
}
