import type { Transaction } from '../transaction.js'
import type { Mode, RuleMatch, Span } from '../verdict.js'
import { parseRequestBody } from './bodies/parse.js'
import type { Entry } from './collections/entry.js'
import type { PersistentStore } from './collections/persistent.js'
import { Disruption, type Interruption } from './disruption.js'
import { NO_TARGETS, type TargetPattern } from './exclusions.js'
import { GROUP_KEYS } from './groups.js'
import { type Macro, parseMacro } from './macro.js'
import { MatchLog, type ValueMatch } from './match-log.js'
import type { OperatorRun } from './operator.js'
import {
  type KnownMatch,
  type MatchMemo,
  type Plan,
  type Recalled,
  type Settled,
  type Step,
  Suspects,
  refusedNext,
  repeatMatch,
} from './plan/index.js'
import type {
  CompiledOperator,
  CompiledRule,
  CompiledTarget,
  PhaseItem,
  RuleLink,
  SeclangPhase,
} from './rule.js'
import type { Settings } from './settings.js'
import { TransactionState } from './state.js'
import { fullName } from './targets.js'
import { TransformationCache } from './transformation-chain.js'

/** Watches an evaluation, for debugging and for tests. */
export interface EvaluationTrace {
  /** An operator judged a value (after its transformations). */
  target?(rule: CompiledRule, link: RuleLink, name: string, value: string, matched: boolean): void
  /** `ctl` or a directive took the rule away. */
  skipped?(rule: CompiledRule): void
  /** An action wrote a variable. */
  saved?(name: string, value: string): void
}

/** What all transactions of a rule set share. */
export interface RuleProgram {
  readonly settings: Settings
  readonly phases: ReadonlyMap<SeclangPhase, readonly PhaseItem[]>
  readonly plan: Plan
  /** Whether rules read parameters of the request. */
  readonly readsFields: boolean
  readonly store: PersistentStore
  /** Macros in operator arguments, taken apart once. */
  readonly macros: Map<string, Macro>
}

const NOWHERE: readonly Span[] = []
/** No seclang phase comes after it. */
const OFF_THE_PATH = -1

/**
 * The judging of one transaction by the rules of its site: seclang phases 1 to 5, in order, each once. With a trace every rule judges every value; without one
 * the plan leaves out what would come to nothing. The outcome is the same.
 */
export class Evaluation {
  readonly state: TransactionState

  readonly #cache = new TransformationCache()
  readonly #captured: (string | undefined)[] = []
  readonly #suspects: readonly Suspects[]
  readonly #log: MatchLog
  readonly #disruption: Disruption
  #found: Span[] = []
  /** Whether it is known without asking that the operator of the link in turn matches. */
  #certain = false
  /** The last seclang phase that the transaction was on the clean path in, from the first on. */
  #walked = 0
  /** Selectors of `TX` that may find something. */
  #fed = 0
  /** Whether a rule took an effect with which the clean path ends. */
  #disturbed = false
  readonly #run: { -readonly [K in keyof OperatorRun]: OperatorRun[K] }

  constructor(
    readonly program: RuleProgram,
    tx: Transaction,
    readonly trace?: EvaluationTrace,
  ) {
    this.state = new TransactionState(tx, program.settings, program.store)
    this.#suspects = program.plan.filters.map((filter) => new Suspects(filter, this.state))
    if (trace?.saved !== undefined) this.state.saved = (name, value) => trace.saved?.(name, value)
    this.#log = new MatchLog(this.state)
    this.#disruption = new Disruption(this.state)
    this.#run = {
      capturing: false,
      locating: false,
      matchedAt: (offset, length) => this.#found.push({ offset, length }),
      setCapture: (index, text) => {
        if (index >= 0 && index < GROUP_KEYS.length) this.#captured[index] = text
      },
      expand: (template) => this.#macro(template).expand(this.state),
      truncate: (limit) => tx.truncate(limit),
      setGeo: (record) => {
        this.state.geo = record
      },
      ...(tx.ports.geo === undefined ? {} : { geo: tx.ports.geo }),
    }
  }

  get matches(): readonly RuleMatch[] {
    return this.#log.matches
  }

  /** What ended the transaction. */
  get interruption(): Interruption | undefined {
    return this.#disruption.interruption
  }

  /** What would have ended it, had the mode of its rule been `block`: the first such. */
  get wouldBe(): Interruption | undefined {
    return this.#disruption.wouldBe
  }

  /** The mode that the rule engine allows at the moment. */
  get engineMode(): Mode {
    return this.#disruption.engineMode
  }

  /** What `SecAuditEngine` and `ctl:auditEngine` say at the moment. */
  get auditEngine(): Settings['auditEngine'] {
    return this.state.auditEngine
  }

  /** The anomaly score: of our own packs, or of the Core Rule Set where that is higher. */
  get score(): number {
    const { txVariables } = this.state
    const own = txVariables.lookUp('portcullis_score')
    const crs = txVariables.lookUp('blocking_inbound_anomaly_score')
    return Math.max(numberOf(own), numberOf(crs))
  }

  /** Whether the request body has to be held; may change in seclang phase 1. */
  get wantsRequestBody(): boolean {
    return this.state.requestBodyAccess && this.state.engine !== 'off' && !this.#disruption.passes(2)
  }

  /** Whether this response has to be held: asked after seclang phase 3. */
  get wantsResponseBody(): boolean {
    const { state } = this
    if (!state.responseBodyAccess || state.engine === 'off' || this.#disruption.passes(4)) return false
    if (this.program.plan.steps(4).length === 0) return false
    const type = state.tx.responseHeaders.get('content-type') ?? ''
    const media = (type.split(';', 1)[0] ?? '').trim().toLowerCase()
    // Without a type the client guesses one, most often one of text: it is judged.
    return media === '' || state.settings.responseMimeTypes.includes(media)
  }

  /**
   * Runs one seclang phase. Seclang phase 2 first reads the request body that the transaction holds. Returns what ends the transaction, if anything
   * does; seclang phase 5 runs in any case and ends nothing.
   */
  run(phase: SeclangPhase): Interruption | undefined {
    const { state } = this
    state.phase = phase
    if (state.engine === 'off') return undefined
    if (phase !== 5) {
      if (this.interruption !== undefined) return this.interruption
      if (this.#disruption.passes(phase)) return undefined
    }
    if (phase === 2) parseRequestBody(state, this.program.readsFields || this.trace !== undefined)
    if (this.trace !== undefined) return this.#runItems(this.program.phases.get(phase) ?? [])
    for (const suspects of this.#suspects) suspects.nextPhase()
    if (this.#walked !== phase - 1) return this.#follow(phase, 0)
    return this.#walk(phase)
  }

  /** Lets rules find a variable in `TX` that no rule wrote. */
  setVariable(key: string, value: string): void {
    this.state.txVariables.set(key, value)
    this.#fed |= this.program.plan.selectors.finding(key)
    if (this.program.plan.path.reliesOn(key)) this.#walked = OFF_THE_PATH
  }

  /** Goes through a phase on the clean path, and on by the plan's steps from where something happens that the path does not know. */
  #walk(phase: SeclangPhase): Interruption | undefined {
    const { state } = this
    this.#walked = OFF_THE_PATH
    const stretches = this.program.plan.path.stretches(phase)
    for (let at = 0; at < stretches.length;) {
      const stretch = stretches[at++]
      if (stretch === undefined) break
      const { settled, questions, watch } = stretch
      if (settled !== undefined) this.#settle(settled)
      if (watch !== undefined && this.#suspects[watch.filter]?.quiet(watch) === true) continue
      for (const { step, afterMatch } of questions) {
        const matched = this.#take(step)
        if (matched && this.#disruption.stops(step.rule))
          return this.#disruption.stopped(step.rule, this.matches)
        if (state.engine === 'off') return undefined
        const next = matched ? step.afterMatch : step.at + 1
        if (this.#disturbed) return this.#follow(phase, next)
        if (next === step.at + 1) continue
        if (afterMatch === undefined) return this.#follow(phase, next)
        at = afterMatch
        break
      }
    }
    this.#walked = phase
    return undefined
  }

  /** Does at once what rules do that match in every transaction. */
  #settle({ matches, written, feeds, rule, matched }: Settled): void {
    const { state } = this
    state.rule = rule
    if (matched !== undefined) state.matchedVariable = matched
    for (const { lower, entry } of written) {
      if (entry === undefined) state.txVariables.delete(lower, lower)
      else if (!state.txVariables.put(lower, entry)) state.tx.truncate('seclang_variables')
    }
    this.#fed |= feeds
    for (const match of matches) this.#log.keep(match)
  }

  /** Goes through a phase by the plan's steps, from one of them on. */
  #follow(phase: SeclangPhase, from: number): Interruption | undefined {
    const steps = this.program.plan.steps(phase)
    for (let at = from; at < steps.length;) {
      const step = steps[at++]
      if (step === undefined || !this.#take(step)) {
        // Links of a chain take effect whether or not all of it matches.
        if (this.state.engine === 'off') return undefined
        continue
      }
      if (this.#disruption.stops(step.rule)) return this.#disruption.stopped(step.rule, this.matches)
      if (this.state.engine === 'off') return undefined
      at = step.afterMatch
    }
    return undefined
  }

  /** Judges one rule unless the plan knows that it does not match; whether it matched. */
  #take(step: Step): boolean {
    const { state } = this
    const { rule, screens, condition, finds } = step
    if (finds !== 0 && (this.#fed & finds) === 0) return false
    const entry = condition?.(state)
    if (condition !== undefined && entry === undefined) return false
    if (state.exclusions.removes(rule)) return false
    // What XML shows depends on the rule that looks.
    state.rule = rule
    const [first] = screens
    if (first !== undefined && this.#suspects[first.place]?.has(first) === false) return false
    const { switches } = state
    const routine = step.routine && entry !== undefined && this.#repeat(rule, entry)
    const matched = routine || this.#evaluate(rule, step)
    if (state.switches !== switches) for (const each of this.#suspects) each.switched()
    return matched
  }

  #runItems(items: readonly PhaseItem[]): Interruption | undefined {
    const { state } = this
    let skip = 0
    let skipAfter: { readonly name: string; readonly set: string } | undefined
    for (const item of items) {
      if (item.kind === 'marker') {
        if (skipAfter?.name === item.name && skipAfter.set === item.set) skipAfter = undefined
        continue
      }
      const { rule, set } = item
      if (skipAfter !== undefined) {
        if (set === skipAfter.set) {
          // A rule id serves as a marker too.
          if (String(rule.id) === skipAfter.name) skipAfter = undefined
          continue
        }
        // The marker was not found in its own set: the other sets are not skipped with it.
        skipAfter = undefined
      }
      if (skip > 0) {
        skip--
        continue
      }
      if (state.engine === 'off') return undefined
      if (state.exclusions.removes(rule)) {
        this.trace?.skipped?.(rule)
        continue
      }
      if (!this.#evaluate(rule)) continue
      if (this.#disruption.stops(rule)) return this.#disruption.stopped(rule, this.matches)
      skip = rule.skip
      if (rule.skipAfter !== undefined) skipAfter = { name: rule.skipAfter, set }
    }
    return undefined
  }

  /** Matches a routine rule as it matched before; false when it has to be judged. */
  #repeat(rule: CompiledRule, entry: Entry): boolean {
    const { state } = this
    const [link] = rule.links
    const [target] = link.targets
    const { last } = rule.fixed
    if (target === undefined || last?.record.sample !== entry.value) return false
    if (last.record.variable !== fullName(target, entry)) return false
    if (state.exclusions.targetsOf(rule).length > 0) return false
    state.matchedVariable = last.matched
    state.matchedVariables = [last.matched]
    this.#apply(link)
    this.#log.keep(last.record)
    return true
  }

  /**
   * Judges a rule with all its links; true when the last one matched.
   *
   * @param step tells which values its links can match, and what is known of such matches; without it all are judged
   */
  #evaluate(rule: CompiledRule, step?: Step): boolean {
    const { state } = this
    state.rule = rule
    if (state.matchedVariables.length > 0) state.matchedVariables = []
    if (step?.rejects?.(state) === true) return false
    const removed = state.exclusions.targetsOf(rule)
    const { switches } = state
    const last = rule.links.length - 1
    const memo = removed.length === 0 ? step?.memo : undefined
    let recalled: Recalled | undefined
    let index = 0
    for (const link of rule.links) {
      if (index === 0 && memo !== undefined) {
        recalled = this.#recall(rule, link, memo)
        if (recalled.matches.length === 0 || recalled.isRefused) return false
        index++
        continue
      }
      // What the links before it have switched on is not among the suspects yet.
      const screen = state.switches === switches ? step?.screens[index] : undefined
      const suspects = screen && this.#suspects[screen.place]
      if (screen !== undefined && suspects?.has(screen) === false) return false
      this.#certain =
        screen !== undefined && !link.capture && !link.multiMatch && suspects?.surely(screen) === true
      const only = screen && suspects?.of(screen)
      if (!this.#evaluateLink(rule, link, index === last, removed, only)) {
        if (index === 1 && recalled?.argument !== undefined)
          refusedNext(recalled.matches, state, recalled.argument)
        return false
      }
      index++
    }
    return true
  }

  /** Judges the first link of a chain by what is known of its matches, and takes note of what is not. */
  #recall(rule: CompiledRule, link: RuleLink, memo: MatchMemo): Recalled {
    const { state } = this
    const { target, reader } = memo
    const matches: (KnownMatch | undefined)[] = []
    // What others have written before is not known to be refused.
    const alone = reader !== undefined && (this.#fed & reader.selectors) === 0
    let before: KnownMatch | undefined
    this.#certain = false
    for (const entry of target.read(state)) {
      const known = memo.get(entry.value)
      if (known === undefined) {
        before = undefined
        if (this.#judge(rule, link, false, target, entry))
          matches.push(memo.matched(entry.value, state, this.#captured))
        else memo.refused(entry.value, this.#cache.transform(entry.value, link.transformations))
      } else if (known !== 'none') {
        matches.push(known)
        repeatMatch(known, state, before)
        this.#fed |= known.feeds
        if (known.groups.length > 0) before = known
      }
    }
    this.#disturbed ||= matches.length > 0 && this.program.plan.path.endsAt(link)
    const argument = alone ? this.#run.expand(reader.argument) : undefined
    const isRefused = argument !== undefined && matches.every((known) => known?.refusedBy === argument)
    return { matches, argument, isRefused }
  }

  #evaluateLink(
    rule: CompiledRule,
    link: RuleLink,
    last: boolean,
    removed: readonly TargetPattern[],
    only: readonly string[] | undefined,
  ): boolean {
    const { operator } = link
    if (operator === undefined || link.targets.length === 0) {
      this.#matched(rule, link, last, undefined)
      return true
    }
    let matched = false
    const { switches } = this.state
    for (const target of link.targets) {
      // A match may have switched on what this target shows.
      const known = this.state.switches === switches ? only : undefined
      for (const entry of target.read(this.state)) {
        if (known !== undefined && !known.includes(entry.value)) continue
        if (this.#excluded(target, entry, link.exclusions, removed)) continue
        if (this.#judge(rule, link, last, target, entry)) matched = true
      }
    }
    return matched
  }

  #judge(rule: CompiledRule, link: RuleLink, last: boolean, target: CompiledTarget, entry: Entry): boolean {
    if (!link.multiMatch) {
      const value = this.#cache.transform(entry.value, link.transformations)
      return this.#judgeValue(rule, link, last, target, entry, value)
    }
    let matched = false
    for (const value of this.#cache.stages(entry.value, link.transformations)) {
      if (this.#judgeValue(rule, link, last, target, entry, value)) matched = true
    }
    return matched
  }

  #judgeValue(
    rule: CompiledRule,
    link: RuleLink,
    last: boolean,
    target: CompiledTarget,
    entry: Entry,
    value: string,
  ): boolean {
    const matched = this.#operate(link, value, last && rule.log)
    this.trace?.target?.(rule, link, fullName(target, entry), value, matched)
    if (!matched) return false
    const collection = target.count ? '' : target.collection
    this.#matched(rule, link, last, { name: fullName(target, entry), value, collection, entry })
    return true
  }

  /** @param shown whether the place of a match will be wanted: what captures finds it on the way */
  #operate(link: RuleLink, value: string, shown: boolean): boolean {
    const { operator, capture } = link
    if (operator === undefined) return true
    this.#run.capturing = capture
    this.#run.locating = shown && capture && isLocated(operator)
    if (this.#captured.length > 0) this.#captured.length = 0
    if (this.#found.length > 0) this.#found = []
    const result = this.#certain || operator.run(value, this.#run) !== operator.negated
    if (result && capture) this.#storeCaptures()
    return result
  }

  #storeCaptures(): void {
    if (this.#captured.length === 0) return
    const { txVariables } = this.state
    this.#fed |= this.program.plan.selectors.groups
    let index = 0
    for (const key of GROUP_KEYS) {
      const text = this.#captured[index++]
      if (text === undefined) txVariables.delete(key, key)
      else {
        txVariables.set(key, text, key)
        this.state.saved?.(`TX:${key}`, text)
      }
    }
  }

  /** A value matched: effects first, then, at the end of a chain, the record and the disruptive action. */
  #matched(rule: CompiledRule, link: RuleLink, last: boolean, match: ValueMatch | undefined): void {
    const { state } = this
    if (match !== undefined) state.noteMatch(match.name, match.value)
    if (link.effects.length > 0) this.#apply(link)
    if (!last) return
    if (rule.severity !== undefined) state.highestSeverity = Math.min(state.highestSeverity, rule.severity)
    const found = match !== undefined && this.#log.shows(rule) ? this.#locate(link, match.value) : NOWHERE
    this.#disruption.take(rule, this.#log.record(rule, match, found))
  }

  #apply(link: RuleLink): void {
    for (const effect of link.effects) effect.apply(this.state)
    this.#fed |= this.program.plan.selectors.fedBy(link)
    this.#disturbed ||= this.program.plan.path.endsAt(link)
  }

  /**
   * Where an operator found what it just matched. Operators that capture nothing answer yes or no while they judge; only what matched is run
   * again for its place.
   */
  #locate({ operator, capture }: RuleLink, value: string): readonly Span[] {
    if (operator !== undefined && !capture && isLocated(operator)) {
      this.#run.locating = true
      operator.run(value, this.#run)
    }
    return this.#found
  }

  #excluded(
    target: CompiledTarget,
    entry: Entry,
    own: readonly TargetPattern[],
    removed: readonly TargetPattern[],
  ): boolean {
    if (target.count || (own.length === 0 && removed.length === 0)) return false
    return covers(own, target, entry) || (removed !== NO_TARGETS && covers(removed, target, entry))
  }

  #macro(template: string): Macro {
    const { macros } = this.program
    let macro = macros.get(template)
    if (macro === undefined) {
      macro = parseMacro(template, { file: '', line: 0 }, () => undefined)
      macros.set(template, macro)
    }
    return macro
  }
}

function isLocated({ negated, locates }: CompiledOperator): boolean {
  return locates && !negated
}

function covers(patterns: readonly TargetPattern[], target: CompiledTarget, entry: Entry): boolean {
  return patterns.some(
    ({ collection, matches }) =>
      collection === target.collection && (matches === undefined || matches(entry.key)),
  )
}

/** As far as the value of a variable begins with one; 0 otherwise. */
function numberOf(entry: Entry | undefined): number {
  return entry === undefined ? 0 : Number.parseInt(entry.value, 10) || 0
}
