import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { patternArgument, visible } from './pattern-argument.js'

const maxCaptures = 10
/** Bytes of search one value may cost, so that patterns whose matches overlap cannot make it quadratic. */
const maxWork = 1 << 20

/**
 * Description: like `@rx`, but goes on after the first match and captures what all matches hold.
 * Arguments: a pattern, macros allowed.
 * Returns: true when it matches; with `capture`, the groups of one match after the other go to `TX:0` to `TX:9`. Empty matches count only when there is no other.
 * Example: `SecRule ARGS "@rxGlobal \d+" "id:1,phase:2,pass,capture"`
 */
export const rxGlobal: OperatorFactory = (argument, context) => {
  const patternFor = patternArgument(argument, context)
  return requiring(patternFor.requires, (value, run) => {
    const pattern = patternFor(run)
    if (pattern === undefined) return false
    const seen = visible(pattern, value, run)
    if (!pattern.test(seen)) return false
    if (!run.capturing && !run.locating) return true
    const captures: string[] = []
    let emptyMatch: readonly string[] | undefined
    let from = 0
    let work = 0
    while (from <= seen.length && captures.length < maxCaptures) {
      const groups = pattern.exec(seen, from)
      if (groups === undefined) break
      const texts: string[] = []
      for (let slot = 0; slot + 1 < groups.length; slot += 2) {
        const start = groups[slot] ?? -1
        const end = groups[slot + 1] ?? -1
        texts.push(seen.slice(Math.max(start, 0), Math.max(end, 0)))
        if (run.locating && start >= 0) run.matchedAt(start, end - start)
      }
      const end = Math.max(groups[1] ?? 0, from)
      const isEmpty = texts[0] === ''
      if (isEmpty) emptyMatch ??= texts
      else captures.push(...texts)
      work += end - from + 1
      if (work > maxWork) {
        run.truncate('regex_input')
        break
      }
      from = isEmpty ? end + 1 : end
    }
    const found = captures.length > 0 ? captures : (emptyMatch ?? [])
    if (run.capturing) found.slice(0, maxCaptures).forEach((text, index) => run.setCapture(index, text))
    return true
  })
}
