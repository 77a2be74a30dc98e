import { OWN_RULE_IDS, OWN_RULE_IDS_END } from './policy-match.js'
import { BASE_RULE_IDS } from './rule-sources.js'
import type { PhaseName, RuleMatch, VerdictPhase } from './verdict.js'

/** Rules of the Core Rule Set that add up or compare scores, and those that only report them (980…). */
const CRS_EVALUATION = /^(?:9[45]9\d{3}|980\d{3})$/
const CRS_SETUP = /^(?:900\d{3}|901\d{3}|905\d{3})$/

/** Whether a match is of a rule that adds up or compares scores: without it, a whole rule set does nothing. */
export function isEvaluation(match: Pick<RuleMatch, 'id' | 'tags'>): boolean {
  return match.tags.includes('portcullis/evaluation') || isEvaluationId(match.id)
}

/** The same by id only: 949110, 959100 and their like, and the last rules (x900) of our own packs. */
export function isEvaluationId(id: number): boolean {
  if (CRS_EVALUATION.test(String(id))) return true
  return id >= OWN_RULE_IDS && id < OWN_RULE_IDS_END && (id % 1000 === 890 || id % 1000 === 900)
}

/** Whether a rule sets things up instead of judging: settings of a rule set, thresholds, body processors. */
export function isSetupId(id: number): boolean {
  return CRS_SETUP.test(String(id)) || (id >= BASE_RULE_IDS.from && id < BASE_RULE_IDS.from + 10)
}

/**
 * The rule that a person wants to hear of when an evaluation rule ended the transaction: the gravest match of its phase
 * (a lower severity is graver), the first among equals. `undefined` when none was recorded.
 */
export function decidingRule(phase: PhaseName, matches: readonly RuleMatch[]): RuleMatch | undefined {
  let best: RuleMatch | undefined
  for (const match of matches) {
    if (match.phase !== phase || match.severity === undefined || isEvaluation(match)) continue
    if (best?.severity === undefined || match.severity < best.severity) best = match
  }
  return best
}

/**
 * The phase that a verdict shows. Base settings are under no phase of the 17: what they refuse is a matter of the request
 * itself.
 */
export function productPhase(id: number, label: VerdictPhase): VerdictPhase {
  return id >= BASE_RULE_IDS.from && id <= BASE_RULE_IDS.to && label !== 'malformed' ? 'request' : label
}
