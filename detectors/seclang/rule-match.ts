import type { RequestSpan, RuleMatch, Span } from '../verdict.js'
import type { Macro } from './macro.js'
import { oneLine } from './one-line.js'
import type { CompiledRule } from './rule.js'
import type { MatchedVariable } from './state.js'

/** Where a match was found: in the value, and in the request as it was sent; each may be empty. */
export interface MatchPlaces {
  readonly found: readonly Span[]
  readonly source: readonly RequestSpan[]
}

/** What is recorded of a match. */
export function ruleMatch(
  rule: CompiledRule,
  matched: MatchedVariable | undefined,
  expand: (macro: Macro) => string,
  places?: MatchPlaces,
): RuleMatch {
  const { severity, position, fixed } = rule
  // Filled in rather than put together from parts: attacks make dozens of these.
  const record: { -readonly [K in keyof RuleMatch]: RuleMatch[K] } = {
    id: rule.id,
    seclangPhase: rule.phase,
    phase: rule.label,
    msg: fixed.msg ?? oneLine(expand(rule.msg)),
    data: fixed.data ?? oneLine(expand(rule.logdata)),
    variable: matched?.name ?? '',
    sample: matched?.value ?? '',
    tags: fixed.tags ?? rule.tagMacros.map(expand),
    logged: rule.log,
    file: position.file,
    line: position.line,
  }
  if (severity !== undefined) record.severity = severity
  if (places !== undefined && places.found.length > 0) record.found = places.found
  if (places !== undefined && places.source.length > 0) record.source = places.source
  return record
}
