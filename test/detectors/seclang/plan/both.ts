import type { Evaluation, Interruption, RuleSet } from '../../../../detectors/seclang/index.js'
import type { Ports } from '../../../../detectors/ports.js'
import { type ProfileRequest, judge } from '../profile.js'

/** All that one judging leaves behind. */
function outcome(
  evaluation: Evaluation,
  interruption: Interruption | undefined,
  truncated: readonly string[],
) {
  const { state } = evaluation
  return {
    matches: evaluation.matches,
    interruption,
    wouldBe: evaluation.wouldBe,
    score: evaluation.score,
    // When a limit shows depends on which of the values is read first.
    truncated: truncated.toSorted(),
    variables: state.txVariables.entries(),
    environment: state.environment.entries(),
    matched: state.matchedVariable,
    severity: state.highestSeverity,
    bodyProcessor: state.bodyProcessor,
    engine: state.engine,
    audit: state.auditEngine,
  }
}

/** The same rules twice, for what outlives a transaction must not be shared. */
export interface Ways {
  readonly plan: RuleSet
  readonly plain: RuleSet
}

export type Outcome = ReturnType<typeof outcome>

/** The same request by the plan and, with a trace, by every rule on every value. */
export function bothWays(
  rules: Ways,
  request: ProfileRequest,
  ports: Partial<Ports> = {},
): { readonly plan: Outcome; readonly plain: Outcome } {
  const planned = judge(rules.plan, request, { ports })
  const plain = judge(rules.plain, request, { trace: {}, ports })
  return {
    plan: outcome(planned.evaluation, planned.interruption, planned.tx.truncated),
    plain: outcome(plain.evaluation, plain.interruption, plain.tx.truncated),
  }
}
