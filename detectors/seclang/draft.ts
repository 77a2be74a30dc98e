import type { PhaseName } from '../verdict.js'
import { EMPTY_MACRO, type Macro } from './macro.js'
import type { OperatorLoadContext } from './operator.js'
import type { Warn } from './parser/directives.js'
import type { Disruptive, Effect, SeclangPhase } from './rule.js'
import type { TransformationChain } from './transformation-chain.js'

/** How a rule ends a transaction, before its status is known. */
export type DraftDisruptive =
  | { readonly kind: 'pass' | 'block' | 'drop' }
  | { readonly kind: 'redirect'; readonly location: Macro }
  | { readonly kind: 'allow'; readonly scope: 'transaction' | 'phase' | 'request' }

/** A rule while its actions are applied to it, one after the other. */
export class RuleDraft {
  id = 0
  phase: SeclangPhase = 2
  msg: Macro = EMPTY_MACRO
  logdata: Macro = EMPTY_MACRO
  tags: Macro[] = []
  severity: number | undefined
  rev: string | undefined
  ver: string | undefined
  maturity: number | undefined
  accuracy: number | undefined
  log = true
  auditlog = true
  disruptive: DraftDisruptive = { kind: 'pass' }
  /** What `block` stands for: the disruptive action of SecDefaultAction. */
  blockMeans: DraftDisruptive = { kind: 'pass' }
  status: number | undefined
  skip = 0
  skipAfter: string | undefined
  readonly xmlNamespaces = new Map<string, string>()
}

/** One link while its actions are applied to it. */
export class LinkDraft {
  multiMatch = false
  capture = false
  chained = false
  readonly effects: Effect[] = []

  constructor(
    readonly rule: RuleDraft,
    /** False for the later links of a chain. */
    readonly starter: boolean,
    public transformations: TransformationChain,
    readonly emptyChain: TransformationChain,
  ) {}
}

/** What actions may use while rules are loaded. */
export interface ActionContext extends OperatorLoadContext {
  readonly label: PhaseName
  readonly warn: Warn
  /** The map of `SecUnicodeMapFile`; undefined for the built-in one. */
  readonly unicodeMap: ReadonlyMap<number, number> | undefined
  macro(text: string): Macro
}

/** The disruptive action with its status. */
export function finishDisruptive(draft: RuleDraft): Disruptive {
  const { disruptive, status } = draft
  switch (disruptive.kind) {
    case 'pass':
      return { kind: 'pass' }
    case 'drop':
      return { kind: 'drop' }
    case 'allow':
      return disruptive
    case 'block':
      return { kind: 'block', status: status ?? 403 }
    case 'redirect': {
      const redirects = status !== undefined && [301, 302, 303, 307, 308].includes(status)
      return { kind: 'redirect', status: redirects ? status : 302, location: disruptive.location }
    }
  }
}
