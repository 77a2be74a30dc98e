import type { OperatorFactory } from '../operator.js'
import { verifyNumber } from './verify-number.js'

/**
 * Description: some match of the pattern is a payment card number: its digits satisfy the Luhn check (ISO/IEC 7812-1 annex B).
 * Arguments: a pattern that finds candidates.
 * Returns: true when one is; with `capture`, `TX:0` is the match.
 * Example: `SecRule ARGS "@verifyCC \d{13,16}" "id:1,phase:2,pass,capture"`
 */
export const verifyCC: OperatorFactory = (argument, context) => verifyNumber(argument, context, satisfiesLuhn)

function satisfiesLuhn(digits: readonly number[]): boolean {
  if (digits.length === 0) return false
  const sum = digits.toReversed().reduce((total, digit, index) => {
    const doubled = index % 2 === 0 ? digit : digit * 2
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return sum % 10 === 0
}
