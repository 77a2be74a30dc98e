import type { ActionPayload } from './action.js'
import { encodeHex } from './bytes.js'
import { ProofError } from './errors.js'

/** An action and the leaf hash that it has in the log. */
export interface SessionEntry {
  readonly action: ActionPayload
  readonly leaf: Uint8Array
}

/** A run of missing `seq`, both ends included. */
export interface SeqGap {
  readonly first: number
  readonly last: number
}

/**
 * How whole the record of one agent in one session is.
 *
 * - `closed`: it ends in a close that counts exactly the entries before it; nothing can be cut off unseen
 * - `open`: no gap, but no close either: its tail could be missing
 * - `gap`: a number is missing, or there is less or more than the close counts
 * - `forked`: two different entries have the same number
 */
export type CompletenessState = 'closed' | 'open' | 'gap' | 'forked'

/** From the worst to the best. */
const STATES: readonly CompletenessState[] = ['forked', 'gap', 'open', 'closed']

/** The state of a session as a whole: the worst of its agents'. */
export function worstState(states: readonly CompletenessState[]): CompletenessState {
  return STATES.find((state) => states.includes(state)) ?? 'open'
}

/** @throws ProofError `wrong_session` */
export function assertSession(found: string, expected: string): void {
  if (found !== expected)
    throw new ProofError('wrong_session', `the session is ${found}, ${expected} was expected`)
}

/** What {@link sessionCompleteness} says about one agent. */
export interface Completeness {
  readonly agent: string
  readonly session: string
  readonly state: CompletenessState
  /** Different `seq` that are there. */
  readonly count: number
  readonly gaps: readonly SeqGap[]
  /** The `seq` that have more than one entry, ascending. */
  readonly forks: readonly number[]
}

/**
 * Judges the completeness of sessions from their entries, in any order; the same entry twice counts once.
 *
 * @returns one verdict per (session, agent), in the order in which they first appear; an agent that a `session.open`
 *   names and that has no entry is `open`: whatever it did could be missing
 */
export function sessionCompleteness(entries: readonly SessionEntry[]): Completeness[] {
  const records = new Map<string, SessionEntry[]>()
  for (const entry of entries) {
    // Neither name can hold a space, so the pair is unambiguous.
    const key = `${entry.action.session} ${entry.action.agent}`
    const record = records.get(key)
    if (record === undefined) records.set(key, [entry])
    else record.push(entry)
  }
  const silent = entries.flatMap(participants).filter(({ session, agent }) => {
    const key = `${session} ${agent}`
    if (records.has(key)) return false
    records.set(key, [])
    return true
  })
  const judged = [...records.values()].filter((record) => record.length > 0).map(judge)
  return [...judged, ...silent.map(unheard)]
}

function participants({ action }: SessionEntry): readonly { session: string; agent: string }[] {
  const named = action.kind === 'session.open' ? action['participants'] : undefined
  return Array.isArray(named) ? named.map((agent) => ({ session: action.session, agent: String(agent) })) : []
}

function unheard({ session, agent }: { session: string; agent: string }): Completeness {
  return { agent, session, state: 'open', count: 0, gaps: [], forks: [] }
}

function judge(entries: readonly SessionEntry[]): Completeness {
  const leaves = new Map<number, Set<string>>()
  const closes: ActionPayload[] = []
  for (const { action, leaf } of entries) {
    const hash = encodeHex(leaf)
    const same = leaves.get(action.seq)
    if (same === undefined) leaves.set(action.seq, new Set([hash]))
    else same.add(hash)
    if (action.kind === 'session.close') closes.push(action)
  }
  const numbers = [...leaves.keys()].toSorted((a, b) => a - b)
  const forks = numbers.filter((seq) => (leaves.get(seq)?.size ?? 0) > 1)
  const gaps = gapsOf(numbers)
  const last = numbers.at(-1) ?? -1
  const isClosed = closes.length > 0 && closes.every(({ seq, count }) => seq === last && count === last)
  const whole = isClosed ? 'closed' : 'open'
  const state =
    forks.length > 0 ? 'forked' : gaps.length > 0 || (closes.length > 0 && !isClosed) ? 'gap' : whole
  const { agent = '', session = '' } = entries[0]?.action ?? {}
  return { agent, session, state, count: numbers.length, gaps, forks }
}

function gapsOf(numbers: readonly number[]): SeqGap[] {
  const gaps: SeqGap[] = []
  let expected = 0
  for (const seq of numbers) {
    if (seq > expected) gaps.push({ first: expected, last: seq - 1 })
    expected = seq + 1
  }
  return gaps
}
