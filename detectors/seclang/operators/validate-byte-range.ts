import { SecLangError } from '../errors.js'
import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { ByteSet } from '../pcre/byte-set.js'
import { byteRequirement } from '../prefilter/index.js'
import { leadingInt } from './int.js'

/**
 * Description: some byte of the value is outside the given ranges.
 * Arguments: bytes and ranges of bytes, decimal, separated by commas. What is no number counts as 0.
 * Returns: true when one is outside: the name says what is demanded, the match tells that it is not so.
 * Example: `SecRule ARGS "@validateByteRange 9,10,13,32-126" "id:1,phase:2,deny"`
 */
export const validateByteRange: OperatorFactory = (argument, context) => {
  const allowed = new ByteSet()
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
    allowed.addRange(from, to)
  }
  const outside = allowed.complement()
  const isOutside = Uint8Array.from({ length: 256 }, (_, byte) => (outside.has(byte) ? 1 : 0))
  return requiring(byteRequirement(outside), (value) => {
    for (let at = 0; at < value.length; at++) if (isOutside[value.charCodeAt(at) & 255] === 1) return true
    return false
  })
}
