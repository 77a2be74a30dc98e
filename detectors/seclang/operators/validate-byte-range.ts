import { SecLangError } from '../errors.js'
import type { OperatorFactory } from '../operator.js'
import { leadingInt } from './int.js'

/**
 * Description: some byte of the value is outside the given ranges.
 * Arguments: bytes and ranges of bytes, decimal, separated by commas. What is no number counts as 0.
 * Returns: true when one is outside: the name says what is demanded, the match tells that it is not so.
 * Example: `SecRule ARGS "@validateByteRange 9,10,13,32-126" "id:1,phase:2,deny"`
 */
export const validateByteRange: OperatorFactory = (argument, context) => {
  const allowed = new Uint8Array(256)
  for (const part of argument.split(',')) {
    if (part.trim() === '') continue
    const [first = '', last = first] = part.split('-')
    const from = leadingInt(first)
    const to = leadingInt(last)
    if (from < 0 || to > 255 || from > to) {
      throw new SecLangError(
        'SECLANG_BAD_ARGUMENT',
        `@validateByteRange: "${part.trim()}" is no range of bytes`,
        context.position,
      )
    }
    allowed.fill(1, from, to + 1)
  }
  return (value) => {
    for (let at = 0; at < value.length; at++) if (allowed[value.charCodeAt(at) & 255] === 0) return true
    return false
  }
}
