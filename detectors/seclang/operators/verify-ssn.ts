import type { OperatorFactory } from '../operator.js'
import { isMadeUp, verifyNumber } from './verify-number.js'

/**
 * Description: some match of the pattern can be a US social security number: nine digits, no part zero, an area that was given out.
 * Arguments: a pattern that finds candidates.
 * Returns: true when one can; with `capture`, `TX:0` is the match.
 * Example: `SecRule ARGS "@verifySSN \d{3}-?\d{2}-?\d{4}" "id:1,phase:2,pass,capture"`
 */
export const verifySSN: OperatorFactory = (argument, context) => verifyNumber(argument, context, isSsn)

function isSsn(digits: readonly number[]): boolean {
  if (digits.length !== 9 || isMadeUp(digits)) return false
  const area = Number(digits.slice(0, 3).join(''))
  const group = Number(digits.slice(3, 5).join(''))
  const serial = Number(digits.slice(5).join(''))
  return area !== 0 && group !== 0 && serial !== 0 && area < 740 && area !== 666
}
