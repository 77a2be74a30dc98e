import { phaseNumber } from './phase-order.js'
import type { PhaseName, RuleMatch } from './verdict.js'

/** First id of our own range; it ends before 9,700,000. */
export const OWN_RULE_IDS = 9_600_000
export const OWN_RULE_IDS_END = 9_700_000

/** The id under which a phase that is not made of SecLang reports: 9,600,000 plus its number. */
export function policyRuleId(phase: PhaseName): number {
  return OWN_RULE_IDS + phaseNumber(phase)
}

/** What a phase without SecLang rules reports, in the shape of a rule's match. */
export function policyMatch(
  phase: PhaseName,
  found: {
    readonly msg: string
    readonly variable: string
    readonly sample: string
    readonly data?: string
    readonly severity?: number
  },
): RuleMatch {
  return {
    id: policyRuleId(phase),
    seclangPhase: 0,
    phase,
    severity: found.severity ?? 5,
    msg: found.msg,
    data: found.data ?? '',
    variable: found.variable,
    sample: found.sample,
    tags: ['portcullis', `portcullis/${phase}`],
    logged: true,
  }
}
