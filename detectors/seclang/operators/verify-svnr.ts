import type { OperatorFactory } from '../operator.js'
import { isMadeUp, verifyNumber, weightedSum } from './verify-number.js'

/** The fourth digit is the check digit and has no weight. */
const weights = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]

/**
 * Description: some match of the pattern is an Austrian social security number: its check digit is right.
 * Arguments: a pattern that finds candidates.
 * Returns: true when one is; with `capture`, `TX:0` is the match.
 * Example: `SecRule ARGS "@verifySVNR ([0-9]{4} ?[0-9]{6})" "id:1,phase:2,pass,capture"`
 */
export const verifySVNR: OperatorFactory = (argument, context) => verifyNumber(argument, context, isSvnr)

function isSvnr(all: readonly number[]): boolean {
  const digits = all.slice(0, 10)
  if (digits.length < 10 || isMadeUp(digits)) return false
  const check = weightedSum(digits, weights) % 11
  return (check === 10 ? 0 : check) === digits[3]
}
