import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { patternArgument, visible } from './pattern-argument.js'

/** Groups that `TX:0` to `TX:9` have room for. */
const maxCaptures = 10

/**
 * Description: some part of the value matches the pattern (PCRE syntax; dot matches every byte, `$` the very end; bytes, not characters).
 * Arguments: a pattern, macros allowed; see `docs/SECLANG.md` for what of PCRE is refused.
 * Returns: true when it matches; with `capture`, the match and its groups go to `TX:0` to `TX:9`, a group that took no part as an empty text.
 * Example: `SecRule ARGS "@rx (?i)union\s+select" "id:1,phase:2,deny,capture"`
 */
export const rx: OperatorFactory = (argument, context) => {
  const patternFor = patternArgument(argument, context)
  return requiring(patternFor.requires, (value, run) => {
    const pattern = patternFor(run)
    if (pattern === undefined) return false
    const seen = visible(pattern, value, run)
    if (!pattern.test(seen)) return false
    if (!run.capturing && !run.locating) return true
    const groups = pattern.exec(seen)
    if (groups === undefined) return false
    for (let index = 0; index < maxCaptures && index * 2 < groups.length; index++) {
      const start = groups[index * 2] ?? -1
      const end = groups[index * 2 + 1] ?? -1
      const absent = start < 0 || end < 0
      if (run.capturing) run.setCapture(index, absent ? '' : seen.slice(start, end))
      if (run.locating && !absent) run.matchedAt(start, end - start)
    }
    return true
  })
}
