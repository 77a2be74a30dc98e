import type { Mode, PhaseName, RuleMatch } from '../verdict.js'
import { engineMode, weaker } from './mode.js'
import type { CompiledRule, SeclangPhase } from './rule.js'
import type { TransactionState } from './state.js'

/** Why and how a transaction ends. */
export interface Interruption {
  readonly action: 'block' | 'drop' | 'redirect' | 'allow'
  /** 0 for drop and allow. */
  readonly status: number
  /** Target of a redirect. */
  readonly location?: string
  readonly match: RuleMatch
  readonly label: PhaseName
  /** The effective mode of the rule: `block`, or `detect` for what would have been. `allow` counts in both. */
  readonly mode: Mode
}

/** What the disruptive actions of the rules that matched have come to in one transaction. */
export class Disruption {
  /** What ended the transaction. */
  interruption: Interruption | undefined
  /** What would have ended it, had the mode of its rule been `block`: the first such. */
  wouldBe: Interruption | undefined
  #allowed: 'no' | 'request' | 'transaction' = 'no'
  readonly #state: TransactionState

  constructor(state: TransactionState) {
    this.#state = state
  }

  /** The mode that the rule engine allows at the moment. */
  get engineMode(): Mode {
    return engineMode(this.#state.engine)
  }

  /** Whether `allow` has ended the judging of a seclang phase before it began. */
  passes(phase: SeclangPhase): boolean {
    return this.#allowed === 'transaction' || (this.#allowed === 'request' && phase < 3)
  }

  /** Takes the action of a rule that has just matched. */
  take(rule: CompiledRule, match: RuleMatch): void {
    const { disruptive } = rule
    if (disruptive.kind === 'pass' || disruptive.kind === 'allow') return
    const state = this.#state
    const mode = weaker(rule.mode, this.engineMode)
    const interruption: Interruption = {
      action: disruptive.kind,
      status: disruptive.kind === 'drop' ? 0 : disruptive.status,
      ...(disruptive.kind === 'redirect' ? { location: disruptive.location.expand(state) } : {}),
      match,
      label: rule.label,
      mode,
    }
    // Once the answer is out nothing can be ended any more.
    if (mode !== 'block' || state.phase === 5) {
      this.wouldBe ??= interruption
    } else if (this.interruption === undefined) {
      this.interruption = interruption
      state.endedWith = interruption.status
    }
  }

  /** Whether the match of a rule ends its seclang phase. */
  stops(rule: CompiledRule): boolean {
    return (this.interruption !== undefined && this.#state.phase !== 5) || rule.disruptive.kind === 'allow'
  }

  /** What ends the transaction, if anything does, when a rule has ended its seclang phase. */
  stopped(rule: CompiledRule, matches: readonly RuleMatch[]): Interruption | undefined {
    if (this.interruption !== undefined && this.#state.phase !== 5) return this.interruption
    if (rule.disruptive.kind !== 'allow') return undefined
    if (rule.disruptive.scope === 'transaction') this.#allowed = 'transaction'
    if (rule.disruptive.scope === 'request') this.#allowed = 'request'
    if (this.#allowed !== 'transaction') return undefined
    const match = matches.findLast(({ id, line }) => id === rule.id && line === rule.position.line)
    if (match === undefined) return undefined
    return { action: 'allow', status: 0, match, label: rule.label, mode: weaker(rule.mode, this.engineMode) }
  }
}
