import type { Effect } from '../rule.js'
import type { ActionDefinition } from './definition.js'
import { writableVariable } from './target.js'

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
      link.effects.push((state) => gone.values(state).delete(gone.key.expand(state)))
      return
    }
    const equals = text.indexOf('=')
    const target = writableVariable('setvar', equals < 0 ? text : text.slice(0, equals), context)
    const raw = equals < 0 ? '1' : text.slice(equals + 1)
    const sign = raw.startsWith('+') ? 1 : raw.startsWith('-') ? -1 : 0
    const value = context.macro(sign === 0 ? raw : raw.slice(1))
    const lower = target.key.constant ? target.key.text.toLowerCase() : undefined
    const effect: Effect = (state) => {
      const values = target.values(state)
      const key = target.key.expand(state)
      const operand = value.expand(state)
      const result =
        sign === 0 ? operand : String(wholePart(values.get(key) ?? '') + sign * wholePart(operand))
      if (!values.set(key, result, lower)) state.tx.truncate('seclang_variables')
      state.saved?.(`${target.collection}:${key}`, result)
    }
    link.effects.push(effect)
  },
}

/** The number that a text begins with, as C's atoi reads it; 0 when there is none. */
function wholePart(text: string): number {
  const match = /^\s{0,64}([+-]?\d{1,15})/.exec(text)
  return match === null ? 0 : Number(match[1])
}
