import type { KeyedCollection } from '../collections/keyed.js'
import { isPersistent } from '../collections/persistent.js'
import type { ActionContext } from '../draft.js'
import type { Macro } from '../macro.js'
import type { TransactionState } from '../state.js'
import { badArgument } from './definition.js'

/** A variable that an action writes: `tx.name`, `ip.name`; the name may hold macros. */
export interface WritableVariable {
  readonly collection: string
  readonly key: Macro
  /** The collection's values. */
  values(state: TransactionState): KeyedCollection
}

export function writableVariable(action: string, text: string, context: ActionContext): WritableVariable {
  const split = /[.:]/.exec(text)?.index ?? -1
  const collection = text.slice(0, Math.max(split, 0)).trim().toUpperCase()
  const key = text.slice(split + 1).trim()
  if (split <= 0 || key === '') throw badArgument(action, text, 'collection.name is wanted', context)
  return { collection, key: context.macro(key), values: reader(action, collection, text, context) }
}

function reader(
  action: string,
  collection: string,
  text: string,
  context: ActionContext,
): (state: TransactionState) => KeyedCollection {
  if (collection === 'TX') return (state) => state.txVariables
  if (collection === 'ENV') return (state) => state.environment
  if (isPersistent(collection)) return (state) => state.record(collection).values
  throw badArgument(action, text, 'TX, ENV, GLOBAL, IP, SESSION, USER or RESOURCE is wanted', context)
}
