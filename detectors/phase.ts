import type { Transaction } from './transaction.js'
import type { PhaseName, RuleMatch, Verdict } from './verdict.js'

/** A decision of one phase. `undefined` means: nothing to say, go on. */
export interface PhaseDecision {
  /** `skip` leaves out what `scope` names: all later phases, or only the content phases. */
  readonly kind: 'allow' | 'skip_content' | 'block' | 'redirect' | 'drop'
  readonly status?: number
  readonly location?: string
  readonly reason: string
  readonly match: RuleMatch
}

/**
 * One of the 17 phases. It implements the hooks that it needs; a hook answers at once, and only a phase that declares
 * itself `async` may return a promise, so that the common path never awaits.
 */
export interface Phase {
  readonly name: PhaseName
  readonly async?: true
  onClient?(tx: Transaction): PhaseDecision | undefined
  onRequestHeaders?(tx: Transaction): PhaseDecision | undefined
  onRequestBody?(tx: Transaction): PhaseDecision | undefined
  onResponseHeaders?(tx: Transaction): PhaseDecision | undefined
  onResponseBody?(tx: Transaction): PhaseDecision | undefined
  onEnd?(tx: Transaction): void
}

export type { Verdict }
