import type { RequestPath } from './request-path.js'
import type { Transaction } from './transaction.js'
import type { PhaseName, RuleMatch, Verdict } from './verdict.js'

/** What a phase looks at. */
export interface PhaseContext {
  readonly tx: Transaction
  /** The path in all its readings, made when it is first asked for. */
  readonly path: RequestPath
}

/** A decision of one phase. `undefined` means: nothing to say, go on. */
export interface PhaseDecision {
  /** `allow` leaves out all later phases, `skip_content` the content phases. */
  readonly kind: 'allow' | 'skip_content' | 'block' | 'redirect' | 'drop'
  readonly status?: number
  readonly location?: string
  /** Seconds, for status 429. */
  readonly retryAfter?: number
  readonly reason: string
  readonly match: RuleMatch
}

/**
 * One of the 17 phases. It implements the hooks that it needs. A hook answers at once, so that the common path never
 * awaits; a phase that has to wait for something (none yet) will have to declare itself. Phases made of SecLang rules
 * are labels in the site's rule set and have no hooks here.
 */
export interface Phase {
  readonly name: PhaseName
  onClient?(context: PhaseContext): PhaseDecision | undefined
  onRequestHeaders?(context: PhaseContext): PhaseDecision | undefined
  onRequestBody?(context: PhaseContext): PhaseDecision | undefined
  onResponseHeaders?(context: PhaseContext): PhaseDecision | undefined
  onResponseBody?(context: PhaseContext): PhaseDecision | undefined
  onEnd?(context: PhaseContext): void
}

export type { Verdict }
