import type { RuleMatch } from '../verdict.js'
import type { Macro } from './macro.js'
import { oneLine } from './one-line.js'
import type { CompiledRule } from './rule.js'
import type { MatchedVariable } from './state.js'

/** What is recorded of a match. */
export function ruleMatch(
  rule: CompiledRule,
  matched: MatchedVariable | undefined,
  expand: (macro: Macro) => string,
): RuleMatch {
  const { severity, position, fixed } = rule
  return {
    id: rule.id,
    seclangPhase: rule.phase,
    phase: rule.label,
    ...(severity === undefined ? {} : { severity }),
    msg: fixed.msg ?? oneLine(expand(rule.msg)),
    data: fixed.data ?? oneLine(expand(rule.logdata)),
    variable: matched?.name ?? '',
    sample: matched?.value ?? '',
    tags: fixed.tags ?? rule.tagMacros.map(expand),
    logged: rule.log,
    file: position.file,
    line: position.line,
  }
}
