import type { CompiledRule, PhaseItem, RuleLink, SeclangPhase } from '../rule.js'
import { CleanPath } from './clean-path.js'
import { type Condition, condition, isRoutine } from './condition.js'
import { type MatchMemo, memoOf } from './match-memo.js'
import { type Rejection, rejection } from './rejection.js'
import { RuleFilter, type Screen, screened } from './rule-filter.js'
import { Selectors } from './selectors.js'

/** One rule in the order of its seclang phase. */
export interface Step {
  /** Its place among the steps. */
  readonly at: number
  readonly rule: CompiledRule
  /** Which step comes next when the rule matches: the one behind all that its `skip` and `skipAfter` pass over. */
  readonly afterMatch: number
  /** By link, what tells when it cannot match; undefined where only judging does. */
  readonly screens: readonly (PlacedScreen | undefined)[]
  /** Judges the first link more cheaply, where there is a way. */
  readonly condition: Condition | undefined
  /** Whether a match of it, by its condition, is like the last one. */
  readonly routine: boolean
  /** Tells cheaply that the first link matches nothing, where there is a way and nothing else tells. */
  readonly rejects: Rejection | undefined
  /** What is known of the matches of the first link, where they are alike in all transactions. */
  readonly memo: MatchMemo | undefined
  /** Selectors one of which has to find something for the rule to match; 0 when there are none such. */
  readonly finds: number
}

export interface PlacedScreen extends Screen {
  /** Which of the plan's filters it belongs to. */
  readonly place: number
}

type Phases = ReadonlyMap<SeclangPhase, readonly PhaseItem[]>

/**
 * How a rule set is walked when nobody watches: markers are places, and rules that no value of the transaction can satisfy are passed over. What is judged, and
 * how, is the evaluation's: a plan only leaves out what would come to nothing.
 */
export class Plan {
  readonly #steps: ReadonlyMap<SeclangPhase, readonly Step[]>
  readonly path: CleanPath
  readonly selectors: Selectors

  constructor(
    phases: Phases,
    readonly filters: readonly RuleFilter[],
  ) {
    const screens = new Map<RuleLink, PlacedScreen>()
    for (const [place, filter] of filters.entries())
      for (const [link, screen] of filter.screens) screens.set(link, { ...screen, place })
    this.selectors = new Selectors(
      [...phases.values()].flat().flatMap((item) => (item.kind === 'rule' ? [item.rule] : [])),
    )
    const steps = (items: readonly PhaseItem[]): readonly Step[] => stepsOf(items, screens, this.selectors)
    this.#steps = new Map([...phases].map(([phase, items]) => [phase, steps(items)]))
    this.path = new CleanPath(this.#steps, this.selectors)
  }

  steps(phase: SeclangPhase): readonly Step[] {
    return this.#steps.get(phase) ?? []
  }
}

/** Filters for the rules of all phases: one for what requests show, one for responses. They are dear; what is compiled once keeps them. */
export function filtersOf(phases: Phases): readonly RuleFilter[] {
  const starts: RuleLink[] = []
  const rests: RuleLink[] = []
  for (const item of [...phases.values()].flat()) {
    // What XML shows depends on the namespaces of the rule that looks.
    if (item.kind !== 'rule' || item.rule.xmlNamespaces.size > 0) continue
    const [start, ...rest] = item.rule.links
    if (screened(start) !== undefined) starts.push(start)
    // Few chains get past a start that is screened.
    else rests.push(...rest)
  }
  const links = [...starts, ...rests]
  return (['request', 'response'] as const)
    .map((side) => links.filter((link) => screened(link) === side))
    .filter(({ length }) => length > 0)
    .map((each) => new RuleFilter(each))
}

function stepsOf(
  items: readonly PhaseItem[],
  screens: ReadonlyMap<RuleLink, PlacedScreen>,
  selectors: Selectors,
): readonly Step[] {
  const places: number[] = []
  let count = 0
  for (const { kind } of items) places.push(kind === 'rule' ? count++ : -1)
  return items.flatMap((item, at): Step[] => {
    if (item.kind === 'marker') return []
    const { rule } = item
    const afterMatch = places[placeAfter(items, at, item.rule, item.set)] ?? count
    const quick = condition(rule.links[0])
    const routine = quick !== undefined && isRoutine(rule)
    const own = rule.links.map((link) => screens.get(link))
    const rejects = own[0] === undefined && quick === undefined ? rejection(rule.links[0]) : undefined
    const memo = memoOf(rule, selectors)
    const finds = selectors.of(rule.links[0])
    return [
      {
        at: places[at] ?? 0,
        rule,
        afterMatch,
        screens: own,
        condition: quick,
        routine,
        rejects,
        memo,
        finds,
      },
    ]
  })
}

/** Index of the first rule behind item `at` that a match of it does not pass over. */
function placeAfter(items: readonly PhaseItem[], at: number, rule: CompiledRule, set: string): number {
  let { skip, skipAfter } = rule
  for (let next = at + 1; next < items.length; next++) {
    const item = items[next]
    if (item === undefined) break
    if (item.kind === 'marker') {
      if (skipAfter === item.name && set === item.set) skipAfter = undefined
      continue
    }
    if (skipAfter !== undefined) {
      if (set === item.set) {
        if (String(item.rule.id) === skipAfter) skipAfter = undefined
        continue
      }
      // The marker was not found in its own set: the other sets are not skipped with it.
      skipAfter = undefined
    }
    if (skip === 0) return next
    skip--
  }
  return items.length
}
