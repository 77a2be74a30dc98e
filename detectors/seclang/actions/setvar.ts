import { type Assignment, assigned } from '../assignment.js'
import type { Macro } from '../macro.js'
import type { TransactionState } from '../state.js'
import type { ActionDefinition } from './definition.js'
import { type WritableVariable, writableVariable } from './target.js'

/**
 * Changes a variable: `setvar:tx.a=value`, `=+n` and `=-n` (whole numbers), `setvar:tx.a` (to 1), `setvar:!tx.a` (forget it). Macros are
 * expanded in name and value.
 */
export const setvar: ActionDefinition = {
  name: 'setvar',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const text = argument.trim()
    if (text.startsWith('!')) {
      const gone = writableVariable('setvar', text.slice(1), context)
      link.effects.push({
        apply: (state) => gone.values(state).delete(gone.key.expand(state)),
        changes: inTx(gone, undefined, 0),
      })
      return
    }
    const equals = text.indexOf('=')
    const target = writableVariable('setvar', equals < 0 ? text : text.slice(0, equals), context)
    const raw = equals < 0 ? '1' : text.slice(equals + 1)
    const sign = raw.startsWith('+') ? 1 : raw.startsWith('-') ? -1 : 0
    const value = context.macro(sign === 0 ? raw : raw.slice(1))
    const constant = target.key.constant ? target.key.text.toLowerCase() : undefined
    const apply = (state: TransactionState): void => {
      const values = target.values(state)
      const key = target.key.expand(state)
      const operand = value.expand(state)
      const lower = constant ?? key.toLowerCase()
      const result = sign === 0 ? operand : assigned(values.lookUp(lower)?.value, sign, operand)
      if (!values.set(key, result, lower)) state.tx.truncate('seclang_variables')
      state.saved?.(`${target.collection}:${key}`, result)
    }
    link.effects.push({ apply, changes: inTx(target, value, sign) })
  },
}

function inTx(
  { collection, key }: WritableVariable,
  value: Macro | undefined,
  sign: Assignment['sign'],
): Assignment | undefined {
  return collection === 'TX' ? { key, value, sign } : undefined
}
