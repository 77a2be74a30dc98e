import { requiring } from '../operator.js'
import type { Operator, OperatorLoadContext } from '../operator.js'
import { patternArgument, visible } from './pattern-argument.js'

/** Bytes of search that one value may cost; beyond it the rest goes unseen and the verdict says so. */
const maxWork = 1 << 20

/** Operator that finds candidates by a pattern and asks `valid` about the digits of each; `TX:0` is the first valid one. */
export function verifyNumber(
  argument: string,
  context: OperatorLoadContext,
  valid: (digits: readonly number[]) => boolean,
): Operator {
  const patternFor = patternArgument(argument, context)
  return requiring(patternFor.requires, (value, run) => {
    const pattern = patternFor(run)
    if (pattern === undefined) return false
    const seen = visible(pattern, value, run)
    if (!pattern.test(seen)) return false
    let work = 0
    for (let from = 0; from < seen.length;) {
      const groups = pattern.exec(seen, from)
      if (groups === undefined) return false
      const start = groups[0] ?? from
      const end = groups[1] ?? start
      const candidate = seen.slice(start, end)
      if (valid(digitsOf(candidate))) {
        if (run.capturing) run.setCapture(0, candidate)
        return true
      }
      work += end - from + 1
      if (work > maxWork) {
        run.truncate('verify_candidates')
        return false
      }
      from = start + 1
    }
    return false
  })
}

function digitsOf(text: string): readonly number[] {
  const digits: number[] = []
  for (const char of text) if (char >= '0' && char <= '9') digits.push(Number(char))
  return digits
}

/** Sum of digits times weights. */
export function weightedSum(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * (digits[index] ?? 0), 0)
}

/** True when all digits are the same, or each is one more than the one before (0 follows 9): numbers that people make up. */
export function isMadeUp(digits: readonly number[]): boolean {
  const [first = 0] = digits
  return (
    digits.every((digit) => digit === first) || digits.every((digit, index) => digit === (first + index) % 10)
  )
}
