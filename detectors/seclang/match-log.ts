import type { RuleMatch, Span } from '../verdict.js'
import type { Entry } from './collections/entry.js'
import type { Macro } from './macro.js'
import { RequestPlaces } from './request-places.js'
import { type MatchPlaces, ruleMatch } from './rule-match.js'
import type { CompiledRule } from './rule.js'
import type { TransactionState } from './state.js'

/** Most matches that one transaction records; the rules go on, and `rule_matches` shows on the verdict. */
export const MAX_MATCHES = 1000
/** Longest value of a match that is kept for the next one. */
const MAX_KEPT = 64

/** What a rule matched. */
export interface ValueMatch {
  /** In full, e.g. `ARGS:id`. */
  readonly name: string
  /** After the transformations of the rule. */
  readonly value: string
  /** Upper case; empty for a number of entries. */
  readonly collection: string
  readonly entry: Entry
}

/** What is recorded of the matches of one transaction. */
export class MatchLog {
  readonly matches: RuleMatch[] = []
  readonly #state: TransactionState
  readonly #places: RequestPlaces
  readonly #expand = (macro: Macro): string => macro.expand(this.#state)

  constructor(state: TransactionState) {
    this.#state = state
    this.#places = new RequestPlaces(state)
  }

  /** Whether the places of a rule's matches are shown: when it is logged, and there is room. */
  shows(rule: CompiledRule): boolean {
    return rule.log && this.matches.length < MAX_MATCHES
  }

  /** @param found where the operator found something in the value, when that is shown */
  record(rule: CompiledRule, match: ValueMatch | undefined, found: readonly Span[]): RuleMatch {
    const shown = match !== undefined && this.shows(rule)
    const places = shown ? { found, source: this.#places.of(match.collection, match.entry) } : undefined
    const record = rule.log ? this.#describe(rule, match, places) : this.#unlogged(rule, match)
    this.keep(record)
    return record
  }

  keep(record: RuleMatch): void {
    if (this.matches.length < MAX_MATCHES) this.matches.push(record)
    else this.#state.tx.truncate('rule_matches')
  }

  /** Matches that nobody reads differ little from one transaction to the next: most are one object. */
  #unlogged(rule: CompiledRule, match: ValueMatch | undefined): RuleMatch {
    const { msg, data, tags, last } = rule.fixed
    const { name, value, collection } = match ?? { name: '', value: '', collection: '' }
    if (last?.record.sample === value && last.record.variable === name) return last.record
    const record = this.#describe(rule, match)
    // Values of requests are not kept.
    const own = collection === '' || (collection === 'TX' && value.length <= MAX_KEPT)
    if (own && msg !== undefined && data !== undefined && tags !== undefined)
      rule.fixed.last = { record, matched: { name, value } }
    return record
  }

  #describe(rule: CompiledRule, match: ValueMatch | undefined, places?: MatchPlaces): RuleMatch {
    return ruleMatch(rule, match, this.#expand, places)
  }
}
