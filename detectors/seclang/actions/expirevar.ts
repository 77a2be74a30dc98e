import { isPersistent } from '../collections/persistent.js'
import type { TransactionState } from '../state.js'
import { type ActionDefinition, badArgument } from './definition.js'
import { writableVariable } from './target.js'

/** Lets a persistent variable vanish after so many seconds: `expirevar:ip.blocked=60`. */
export const expirevar: ActionDefinition = {
  name: 'expirevar',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const equals = argument.indexOf('=')
    if (equals < 0) throw badArgument('expirevar', argument, 'collection.name=seconds is wanted', context)
    const target = writableVariable('expirevar', argument.slice(0, equals), context)
    const seconds = context.macro(argument.slice(equals + 1))
    const { collection } = target
    if (!isPersistent(collection)) {
      throw badArgument('expirevar', argument, 'only persistent collections expire', context)
    }
    const apply = (state: TransactionState): void => {
      const delay = Number.parseInt(seconds.expand(state), 10)
      if (!Number.isFinite(delay)) return
      state.record(collection).expire(target.key.expand(state), state.tx.now() + delay * 1000)
    }
    link.effects.push({ apply, changes: undefined })
  },
}
