import type { OperatorFactory } from '../operator.js'
import { isMadeUp, verifyNumber, weightedSum } from './verify-number.js'

/**
 * Description: some match of the pattern is a Brazilian taxpayer number (CPF): its two check digits are right.
 * Arguments: a pattern that finds candidates.
 * Returns: true when one is; with `capture`, `TX:0` is the match.
 * Example: `SecRule ARGS "@verifyCPF ([0-9]{3}\.){2}[0-9]{3}-[0-9]{2}" "id:1,phase:2,pass,capture"`
 */
export const verifyCPF: OperatorFactory = (argument, context) => verifyNumber(argument, context, isCpf)

function isCpf(all: readonly number[]): boolean {
  const digits = all.slice(0, 11)
  if (digits.length < 11 || isMadeUp(digits)) return false
  const first = checkDigit(weightedSum(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]))
  const second = checkDigit(weightedSum([...digits.slice(0, 9), first], [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]))
  return digits[9] === first && digits[10] === second
}

function checkDigit(sum: number): number {
  const rest = sum % 11
  return rest < 2 ? 0 : 11 - rest
}
