import type { RuleMatch } from '../../verdict.js'
import { parseMacro } from '../macro.js'
import { PLAIN_RUN } from '../patterns.js'
import { ruleMatch } from '../rule-match.js'
import type { CompiledRule, RuleLink, SeclangPhase } from '../rule.js'
import type { MatchedVariable } from '../state.js'
import { fullName } from '../targets.js'
import { isConstant, isRoutine } from './condition.js'
import { KnownVariables, type Written, isAssignment, mayChange } from './known-variables.js'
import type { Step } from './plan.js'
import type { Selectors } from './selectors.js'

/** What rules do that match in every transaction on the path, and always alike. */
export interface Settled {
  readonly matches: readonly RuleMatch[]
  readonly written: readonly Written[]
  /** Selectors that find what is written. */
  readonly feeds: number
  /** The last of the rules. */
  readonly rule: CompiledRule
  /** What the last of those that judge something judged. */
  readonly matched: MatchedVariable | undefined
}

/** The screens of a stretch's questions: whether any of them has something to judge is asked at once. */
export interface Watch {
  readonly filter: number
  readonly needs: number
  /** Places in a set of candidates and the bits there, one after the other. */
  readonly bits: Int32Array
}

/** A rule that only judging tells of. */
export interface Question {
  readonly step: Step
  /** The stretch to go on with when it matches and passes over something; undefined when the path does not hold then. */
  readonly afterMatch: number | undefined
}

export interface Stretch {
  readonly settled: Settled | undefined
  readonly questions: readonly Question[]
  /** Undefined when one of the questions has to be asked in any case. */
  readonly watch: Watch | undefined
}

/**
 * The way of a transaction in which no rule matches but those that match in every one: what they find, write and pass over was found out when the rules
 * were loaded. Rule sets spend much of their length on that: their settings, the blocks of their paranoia levels, their sums of scores.
 *
 * It holds as long as the seclang phases run in order and no rule changes a variable that something was found out from; from there on a transaction
 * goes the plan's steps.
 */
export class CleanPath {
  readonly #stretches = new Map<SeclangPhase, readonly Stretch[]>()
  readonly #relied: ReadonlySet<string>
  readonly #ends = new Set<RuleLink>()

  constructor(phases: ReadonlyMap<SeclangPhase, readonly Step[]>, selectors: Selectors) {
    const known = new Survey(selectors)
    const drafts = [...phases].map(([phase, steps]) => [phase, known.walk(steps)] as const)
    this.#relied = known.relied
    for (const { rule } of [...phases.values()].flat())
      for (const link of rule.links) if (disturbs(link, known)) this.#ends.add(link)
    for (const [phase, stretches] of drafts) this.#stretches.set(phase, finished(stretches))
  }

  stretches(phase: SeclangPhase): readonly Stretch[] {
    return this.#stretches.get(phase) ?? []
  }

  /** Whether the effects of a link may change what the path takes for granted. */
  endsAt(link: RuleLink): boolean {
    return this.#ends.has(link)
  }

  /** Whether the path takes something for granted of a variable in `TX`. */
  reliesOn(key: string): boolean {
    return this.#relied.has(key.toLowerCase())
  }
}

interface Draft {
  /** The first step that it stands for. */
  readonly from: number
  settled: Settled | undefined
  readonly steps: Step[]
}

/** What a rule comes to: it never matches, it matches an entry or (`always`) without looking at any, or it has to be asked. */
type Outcome = 'never' | 'ask' | 'always' | MatchedVariable

/** Walks through the seclang phases, one after the other, with nothing known but the rules. */
class Survey {
  /** Rules that surely match, always alike. */
  readonly settled: CompiledRule[] = []
  #known = new KnownVariables()
  readonly #selectors: Selectors

  constructor(selectors: Selectors) {
    this.#selectors = selectors
  }

  get relied(): ReadonlySet<string> {
    return this.#known.relied
  }

  walk(steps: readonly Step[]): Draft[] {
    const drafts: Draft[] = []
    let draft: Draft | undefined
    const begin = (from: number): Draft => {
      draft = { from, settled: undefined, steps: [] }
      drafts.push(draft)
      return draft
    }
    // Where a match may lead to, a stretch begins.
    const targets = new Set(
      steps.filter(({ at, afterMatch }) => afterMatch !== at + 1).map(({ afterMatch }) => afterMatch),
    )
    for (let at = 0; at < steps.length;) {
      if (targets.has(at)) begin(at)
      const step = steps[at++]
      if (step === undefined) break
      const outcome = this.#outcome(step.rule)
      if (outcome === 'never') continue
      const settled = outcome === 'ask' ? undefined : this.#settle(step.rule, outcome)
      if (settled !== undefined) {
        if (draft === undefined || draft.steps.length > 0) draft = begin(step.at)
        draft.settled = joined(draft.settled, settled)
        at = step.afterMatch
        continue
      }
      if (outcome !== 'ask') this.#forget(step.rule.links[0])
      const last = draft?.steps.at(-1)
      if (draft === undefined || (last !== undefined && !together(last, step))) draft = begin(step.at)
      draft.steps.push(step)
    }
    begin(steps.length)
    return drafts
  }

  /** What the first link comes to. */
  #outcome({ links: [link] }: CompiledRule): Outcome {
    const { targets, operator } = link
    if (operator === undefined || targets.length === 0) return 'always'
    const [target] = targets
    if (target?.collection !== 'TX' || target.key === undefined || targets.length > 1) return 'ask'
    const entry = this.#known.lookUp(target.key)
    if (entry === 'unknown') return 'ask'
    if (entry === undefined && !target.count) return 'never'
    if (!isConstant(operator) || link.transformations.parent !== undefined || link.exclusions.length > 0)
      return 'ask'
    const value = target.count ? (entry === undefined ? '0' : '1') : (entry?.value ?? '')
    const matches = this.#judge(link, value)
    if (matches === undefined) return 'ask'
    const name = fullName(target, { key: target.count ? '' : (entry?.key ?? ''), value })
    return matches ? { name, value } : 'never'
  }

  /** Whether the operator matches; undefined when its argument depends on requests. */
  #judge({ operator }: RuleLink, value: string): boolean | undefined {
    if (operator === undefined) return true
    let certain = true
    const expand = (template: string): string => {
      const text = this.#known.expand(parseMacro(template, NOWHERE, () => undefined))
      certain &&= text !== undefined
      return text ?? ''
    }
    const matches = operator.run(value, { ...PLAIN_RUN, expand }) !== operator.negated
    return certain ? matches : undefined
  }

  /** What a rule does that surely matches; undefined when that depends on requests. */
  #settle(rule: CompiledRule, outcome: 'always' | MatchedVariable): Settled | undefined {
    if (!isRoutine(rule)) return undefined
    const after = this.#known.fork()
    const written: Written[] = []
    for (const { changes } of rule.links[0].effects) {
      const one = isAssignment(changes) ? after.assign(changes) : undefined
      if (one === undefined) return undefined
      written.push(one)
    }
    this.#known = after
    this.settled.push(rule)
    const matched = outcome === 'always' ? undefined : outcome
    const feeds = this.#selectors.fedBy(rule.links[0])
    return { matches: [ruleMatch(rule, matched, ({ text }) => text)], written, feeds, rule, matched }
  }

  /** Takes into account that a link surely matches, with an outcome that depends on requests. */
  #forget({ effects }: RuleLink): void {
    for (const { changes } of effects) if (isAssignment(changes)) this.#known.forget(changes)
  }
}

const NOWHERE = { file: '', line: 0 }

function joined(first: Settled | undefined, second: Settled): Settled {
  if (first === undefined) return second
  return {
    matches: [...first.matches, ...second.matches],
    written: [...first.written, ...second.written],
    feeds: first.feeds | second.feeds,
    rule: second.rule,
    matched: second.matched ?? first.matched,
  }
}

function finished(drafts: readonly Draft[]): readonly Stretch[] {
  return drafts.map(({ settled, steps }, own) => {
    const questions = steps.map((step) => {
      const place =
        step.afterMatch === step.at + 1 ? -1 : drafts.findIndex(({ from }) => from === step.afterMatch)
      // Nothing may be found out from what is passed over.
      const holds = place > own && drafts.slice(own + 1, place).every((draft) => isSilent(draft))
      return { step, afterMatch: holds ? place : undefined }
    })
    return { settled, questions, watch: watch(steps) }
  })
}

function isSilent({ settled }: Draft): boolean {
  return settled === undefined || settled.written.length === 0
}

/** Whether one watch can stand for both. */
function together(a: Step, b: Step): boolean {
  return isWatched(a) && isWatched(b) && a.screens[0]?.place === b.screens[0]?.place
}

function isWatched({ screens, condition }: Step): boolean {
  return screens[0] !== undefined && condition === undefined
}

function watch(steps: readonly Step[]): Watch | undefined {
  const [first] = steps
  if (first?.screens[0] === undefined || !isWatched(first)) return undefined
  const words = new Map<number, number>()
  let needs = 0
  for (const {
    screens: [screen],
  } of steps) {
    if (screen === undefined) continue
    const word = screen.bit >> 5
    words.set(word, (words.get(word) ?? 0) | (1 << (screen.bit & 31)))
    needs |= screen.needs
  }
  return { filter: first.screens[0].place, needs, bits: Int32Array.from([...words].flat()) }
}

function disturbs({ effects }: RuleLink, { relied, settled }: Survey): boolean {
  return effects.some(({ changes }) => {
    if (changes === undefined || changes === 'rules') return changes === 'rules'
    if (isAssignment(changes)) return mayChange(changes, relied)
    // Whether another rule is out is asked in its turn.
    return settled.some((rule) => changes.removes(rule))
  })
}
