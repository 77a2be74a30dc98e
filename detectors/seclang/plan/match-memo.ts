import type { Assignment } from '../assignment.js'
import type { Entry } from '../collections/entry.js'
import { GROUP_KEYS, isGroup } from '../groups.js'
import { MAX_EXPANDED_CHARACTERS, type Macro } from '../macro.js'
import type { CompiledOperator, CompiledRule, CompiledTarget, RuleLink } from '../rule.js'
import type { TransactionState } from '../state.js'
import { Generations } from './generations.js'
import { isAssignment } from './known-variables.js'
import { isPure, isSilent } from './probe.js'
import type { Selectors } from './selectors.js'
import { sourcesOf } from './sources.js'

/** What a link does when it matches a value: the same in every transaction. */
export interface KnownMatch {
  /** What it matched, in full. */
  readonly name: string
  readonly value: string
  /** Groups from 0 on; undefined for one that there is none of. Empty when nothing was captured. */
  readonly groups: readonly (Entry | undefined)[]
  /** Entries and their keys in lower case. */
  readonly written: readonly { readonly lower: string; readonly entry: Entry }[]
  /** Selectors that find groups or what is written. */
  readonly feeds: number
  /** The argument by which the next link, where it looks at nothing but what this one writes, refused all that is written here. */
  refusedBy: string | undefined
}

/** What the start of a chain matched. */
export interface Recalled {
  /** Undefined for what is not remembered. */
  readonly matches: readonly (KnownMatch | undefined)[]
  /** By which the next link looks at what these have written, and at nothing else; undefined when it looks further. */
  readonly argument: string | undefined
  /** Whether the next link is known to match none of that. */
  readonly isRefused: boolean
}

/**
 * Remembers what the start of a chain says and does of values that requests have in common, where that depends on the value alone: whether its operator
 * matches, the groups that it captures, and what the link writes of them into `TX`. A rule set that lists names of header fields in `TX` does so for each
 * request anew.
 */
export class MatchMemo {
  readonly target: CompiledTarget
  readonly #operator: CompiledOperator
  readonly #assignments: readonly Assignment[]
  /** Whether what is written depends on groups. */
  readonly #grouped: boolean
  readonly #selectors: Selectors
  readonly #known = new Generations<KnownMatch | 'none'>()

  constructor(
    target: CompiledTarget,
    operator: CompiledOperator,
    assignments: readonly Assignment[],
    selectors: Selectors,
    /** The next link, where it looks at nothing but what this one writes. */
    readonly reader: Reader | undefined,
  ) {
    this.target = target
    this.#selectors = selectors
    this.#operator = operator
    this.#assignments = assignments
    this.#grouped = !assignments.every(({ key, value }) => key.constant && value?.constant === true)
  }

  /** What the link comes to for a value before transformations; undefined when that is not known. */
  get(raw: string): KnownMatch | 'none' | undefined {
    return this.#known.get(raw)
  }

  /** Takes note that the link did not match a value, which was `value` after transformations. */
  refused(raw: string, value: string): void {
    if (isSilent(this.#operator, value)) this.#known.set(raw, 'none')
  }

  /**
   * Takes note of what the link has just done. Undefined when it may do something else the next time.
   *
   * @param state in which the link has matched the value last of all
   * @param captured the groups that its operator reported
   */
  matched(
    raw: string,
    state: TransactionState,
    captured: readonly (string | undefined)[],
  ): KnownMatch | undefined {
    const { name, value } = state.matchedVariable
    if (!isSilent(this.#operator, value) || (this.#grouped && captured.length === 0)) return undefined
    let feeds = captured.length === 0 ? 0 : this.#selectors.groups
    const written: { readonly lower: string; readonly entry: Entry }[] = []
    for (const assignment of this.#assignments) {
      const key = assignment.key.expand(state)
      const operand = assignment.value?.expand(state) ?? ''
      const lower = key.toLowerCase()
      // A macro that is too long shows on the verdict each time; a group would change what the next assignment says.
      const longest = Math.max(key.length, operand.length)
      if (longest >= MAX_EXPANDED_CHARACTERS || isGroup(lower)) return undefined
      written.push({ lower, entry: { key, value: operand } })
      feeds |= this.#selectors.finding(key)
    }
    const groups = captured.map((text, index) =>
      text === undefined ? undefined : { key: String(index), value: text },
    )
    const known = { name, value, groups, written, feeds, refusedBy: undefined }
    this.#known.set(raw, known)
    return known
  }
}

/**
 * Takes note that the next link matched nothing of what these matches have just written.
 *
 * @param argument of its operator, expanded
 */
export function refusedNext(
  matches: Iterable<KnownMatch | undefined>,
  { txVariables }: TransactionState,
  argument: string,
): void {
  for (const known of matches) {
    // What another match has written over was not looked at.
    const seen = known?.written.every(({ lower, entry }) => txVariables.lookUp(lower)?.value === entry.value)
    if (known !== undefined && seen === true) known.refusedBy = argument
  }
}

/**
 * Does what a match does.
 *
 * @param before whose groups stand in `TX`, when that is known
 */
export function repeatMatch(
  { name, value, groups, written }: KnownMatch,
  state: TransactionState,
  before: KnownMatch | undefined,
): void {
  const { txVariables } = state
  if (groups.length > 0) {
    const most = before === undefined ? GROUP_KEYS.length : Math.max(groups.length, before.groups.length)
    for (let index = 0; index < most; index++) {
      const key = GROUP_KEYS[index] ?? ''
      const group = groups[index]
      if (group === undefined) txVariables.delete(key, key)
      else txVariables.put(key, group)
    }
  }
  state.noteMatch(name, value)
  for (const { lower, entry } of written)
    if (!txVariables.replace(lower, entry)) state.tx.truncate('seclang_variables')
}

/** A link that looks for variables by a pattern. */
export interface Reader {
  /** The bits of its selectors. */
  readonly selectors: number
  /** May hold macros. */
  readonly argument: string
}

/** Operators that compare texts and have nothing to report. */
const COMPARING = new Set(['within', 'streq', 'contains', 'beginswith', 'endswith'])

/** The memo for the start of a chain; undefined where its matches depend on more than the value. */
export function memoOf({ links, xmlNamespaces }: CompiledRule, selectors: Selectors): MatchMemo | undefined {
  const [link, ...rest] = links
  const [target, ...others] = link.targets
  const { operator } = link
  if (rest.length === 0 || xmlNamespaces.size > 0 || operator === undefined || !isPure(operator))
    return undefined
  if (target === undefined || others.length > 0 || link.exclusions.length > 0 || link.multiMatch)
    return undefined
  if (sourcesOf(target)?.every(({ common }) => common === 'all') !== true) return undefined
  const assignments: Assignment[] = []
  for (const { changes } of link.effects) {
    if (!isAssignment(changes) || !isFromGroups(changes, link)) return undefined
    assignments.push(changes)
  }
  // Without any the filter's word is enough.
  if (assignments.length === 0) return undefined
  return new MatchMemo(target, operator, assignments, selectors, readerOf(link, rest[0], selectors))
}

function readerOf(writer: RuleLink, next: RuleLink | undefined, selectors: Selectors): Reader | undefined {
  const operator = next?.operator
  if (next === undefined || operator === undefined || next.exclusions.length > 0) return undefined
  const bits = selectors.of(next)
  if (bits === 0 || !selectors.onlyFedBy(writer, bits)) return undefined
  return COMPARING.has(operator.name.toLowerCase())
    ? { selectors: bits, argument: operator.argument }
    : undefined
}

/** Whether an assignment replaces what was there by what the link's own groups say. */
function isFromGroups({ key, value, sign }: Assignment, { capture }: RuleLink): boolean {
  const readable = (macro: Macro): boolean =>
    macro.segments.every(
      (segment) =>
        typeof segment === 'string' ||
        (capture && segment.definition?.name === 'TX' && isGroup(segment.key ?? '')),
    )
  return sign === 0 && value !== undefined && readable(key) && readable(value)
}
