import type { Macro } from './macro.js'

/** What an action does to one variable. */
export interface Assignment {
  /** Its name; may hold macros. */
  readonly key: Macro
  /** Undefined when the variable is forgotten. */
  readonly value: Macro | undefined
  /** 1 and -1 add to the whole number that was there and take from it; 0 replaces it. */
  readonly sign: -1 | 0 | 1
}

/**
 * What a variable holds after an assignment.
 *
 * @param before what it held; undefined when there was none
 * @param operand the value of the assignment, expanded
 */
export function assigned(before: string | undefined, sign: Assignment['sign'], operand: string): string {
  return sign === 0 ? operand : String(wholePart(before ?? '') + sign * wholePart(operand))
}

const ZERO = 48
/** A text of fewer characters can be added up without asking what fits. */
const SHORT = 10

/** The number that a text begins with, as C's atoi reads it; 0 when there is none. */
function wholePart(text: string): number {
  if (text.length < SHORT) {
    let number = 0
    let at = 0
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - ZERO
      if (digit < 0 || digit > 9) break
      number = number * 10 + digit
    }
    // Nearly all are nothing but digits.
    if (at === text.length) return number
  }
  const match = /^\s{0,64}([+-]?\d{1,15})/.exec(text)
  return match === null ? 0 : Number(match[1])
}
