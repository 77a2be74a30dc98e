import type { Mode, PhaseName, RuleMatch } from '../verdict.js'
import type { Assignment } from './assignment.js'
import type { Entry } from './collections/entry.js'
import type { TargetPattern } from './exclusions.js'
import type { Macro } from './macro.js'
import type { Operator, SourcePosition } from './operator.js'
import type { MatchedVariable, TransactionState } from './state.js'
import type { TransformationChain } from './transformation-chain.js'

export type SeclangPhase = 1 | 2 | 3 | 4 | 5

/** A selector by pattern: `TX:/^score_/`. */
export interface KeyPattern {
  /** In lower case, what all matching keys begin with; empty when nothing is known. */
  readonly prefix: string
  readonly matches: (key: string) => boolean
}

/** One target of a rule, ready to be read. */
export interface CompiledTarget {
  /** Upper case. */
  readonly collection: string
  /** As it stands in the rule, e.g. `ARGS:id`. */
  readonly written: string
  readonly count: boolean
  /** In lower case, when only entries of one key are read and the rule names it; undefined for a pattern. */
  readonly key: string | undefined
  /** Which keys are read, when the rule names a pattern. */
  readonly pattern: KeyPattern | undefined
  /** The last full name that was made for an entry of it: mostly the next one is the same. */
  readonly named: { key: string; name: string | undefined }
  read(state: TransactionState): readonly Entry[]
}

/** Something a rule does each time it matches, without ending the transaction. */
export interface Effect {
  apply(state: TransactionState): void
  /**
   * What other rules may find changed: a variable of `TX`, which of them run, or (`rules`) that and whether they see `TX`. Undefined when it is neither:
   * nothing that only rules write.
   */
  readonly changes: Assignment | Removal | 'rules' | undefined
}

/** Takes rules out of the rest of a transaction: always the same ones. */
export interface Removal {
  removes(rule: CompiledRule): boolean
}

/** One SecRule or SecAction: a rule of its own or a link of a chain. */
export interface RuleLink {
  readonly position: SourcePosition
  /** Empty for a SecAction, which always matches. */
  readonly targets: readonly CompiledTarget[]
  readonly exclusions: readonly TargetPattern[]
  readonly operator: CompiledOperator | undefined
  readonly transformations: TransformationChain
  readonly multiMatch: boolean
  readonly capture: boolean
  readonly effects: readonly Effect[]
}

export interface CompiledOperator {
  readonly name: string
  readonly argument: string
  readonly negated: boolean
  readonly run: Operator
  /** Whether `run` can say where in a value it found something. */
  readonly locates: boolean
}

export type Disruptive =
  | { readonly kind: 'pass' }
  | { readonly kind: 'block'; readonly status: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: Macro }
  | { readonly kind: 'allow'; readonly scope: 'transaction' | 'phase' | 'request' }

/** What every match of a rule says; undefined where macros have to be expanded first. */
export interface FixedStory {
  /** One line, like `data`. */
  readonly msg: string | undefined
  readonly data: string | undefined
  readonly tags: readonly string[] | undefined
  /** The last match of a rule that is not logged and says the same each time: another one of the same value is no new one. */
  last: { readonly record: RuleMatch; readonly matched: MatchedVariable } | undefined
}

/** A rule with all its links. */
export interface CompiledRule {
  /** 0 for a SecAction or rule without one. */
  readonly id: number
  readonly phase: SeclangPhase
  readonly label: PhaseName
  /** The weaker of the site's and the label's mode. */
  readonly mode: Mode
  readonly position: SourcePosition
  readonly links: readonly [RuleLink, ...RuleLink[]]
  readonly msg: Macro
  /** As written, macros not expanded. */
  readonly msgText: string
  readonly logdata: Macro
  /** Macros not expanded. */
  readonly tags: readonly string[]
  readonly tagMacros: readonly Macro[]
  readonly fixed: FixedStory
  readonly severity: number | undefined
  readonly rev: string | undefined
  readonly ver: string | undefined
  readonly maturity: number | undefined
  readonly accuracy: number | undefined
  readonly log: boolean
  readonly auditlog: boolean
  readonly disruptive: Disruptive
  readonly skip: number
  readonly skipAfter: string | undefined
  readonly xmlNamespaces: ReadonlyMap<string, string>
}

/** What stands in the list of a seclang phase: rules and the markers between them. */
export type PhaseItem =
  | { readonly kind: 'rule'; readonly rule: CompiledRule; readonly set: string }
  | { readonly kind: 'marker'; readonly name: string; readonly set: string }
