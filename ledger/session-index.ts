/**
 * What the index knows of sessions, in the same transactions as the recorded checkpoint: where a session's entries stand,
 * and how whole the record of each of its agents is. A row stands for a batch or for a signed action, and sequence numbers
 * are kept as covered ranges, so that an agent that counts in order costs one range however much it says.
 */
import type { Database, RootDatabase } from 'lmdb'
import { worstState } from '../proofs/session.js'
import type { CompletenessState } from '../proofs/session.js'

/** A signed action, or the actions of a batch with their seal, as they stand in the log. */
export interface SessionUnit {
  readonly session: string
  readonly agent: string
  /** `seq` of the first action. */
  readonly first: number
  /** Number of actions. */
  readonly count: number
  /** Log index of the first entry. */
  readonly index: number
  /** Number of entries: the actions, and the seal when there is one. */
  readonly entries: number
}

/** Where a unit stands in the log. */
export type UnitPlace = Pick<SessionUnit, 'index' | 'entries'>

/** A `session.close`. */
export interface SessionClose {
  readonly session: string
  readonly agent: string
  readonly seq: number
  /** Number of entries before it, as it says. */
  readonly count: number
}

/** The record of one agent in a session, in numbers. */
export interface AgentRecord {
  readonly agent: string
  readonly state: CompletenessState
  /** Different `seq` that are there. */
  readonly actions: number
  /** `seq` that must be there and are not. */
  readonly missing: number
  /** Actions whose `seq` another entry has as well. */
  readonly forks: number
}

/** What is known of a session. */
export interface SessionRecord {
  readonly session: string
  /** The worst of its agents'. */
  readonly state: CompletenessState
  /** Sum over the agents. */
  readonly missing: number
  readonly agents: readonly AgentRecord[]
}

interface Numbers {
  readonly actions: number
  readonly forks: number
  /** Highest `seq`. */
  readonly last: number
  readonly closes: number
  readonly close?: { readonly seq: number; readonly count: number }
}

const NOTHING: Numbers = { actions: 0, forks: 0, last: -1, closes: 0 }

export class SessionIndex {
  readonly #numbers: Database<Numbers, [session: string, agent: string]>
  /** First `seq` of a covered range → the `seq` behind its last. */
  readonly #covered: Database<number, [session: string, agent: string, first: number]>
  /** Log index of the first entry of a unit → number of its entries. */
  readonly #units: Database<number, [session: string, index: number]>

  constructor(root: RootDatabase) {
    this.#numbers = root.openDB('session-numbers', { encoding: 'json' })
    this.#covered = root.openDB('session-covered', { encoding: 'ordered-binary' })
    this.#units = root.openDB('session-units', { encoding: 'ordered-binary' })
  }

  /** To be called inside a write transaction. */
  putUnit({ session, agent, first, count, index, entries }: SessionUnit): void {
    this.#units.putSync([session, index], entries)
    const twice = this.#cover(session, agent, first, first + count)
    const numbers = this.#numbers.get([session, agent]) ?? NOTHING
    this.#numbers.putSync([session, agent], {
      ...numbers,
      actions: numbers.actions + count - twice,
      forks: numbers.forks + twice,
      last: Math.max(numbers.last, first + count - 1),
    })
  }

  /** To be called inside a write transaction. */
  putClose({ session, agent, seq, count }: SessionClose): void {
    const numbers = this.#numbers.get([session, agent]) ?? NOTHING
    this.#numbers.putSync([session, agent], {
      ...numbers,
      closes: numbers.closes + 1,
      close: { seq, count },
    })
  }

  /**
   * @param participants those that `session.open` names; one that says nothing is `open`
   * @returns `undefined` for a session without entries
   */
  record(session: string, participants: readonly string[]): SessionRecord | undefined {
    const rows = this.#numbers.getRange({ start: [session, ''], end: [session, '\uffff'] })
    const agents = [...rows].map(({ key, value }) => judge(key[1], value))
    if (agents.length === 0) return undefined
    const silent = participants.filter((name) => !agents.some(({ agent }) => agent === name))
    const all = [...agents, ...silent.map((agent) => judge(agent, NOTHING))]
    return {
      session,
      state: worstState(all.map(({ state }) => state)),
      missing: all.reduce((sum, { missing }) => sum + missing, 0),
      agents: all,
    }
  }

  /** Units that begin at a log index from `from` on, in the order of the log; `limit` of them at most. */
  units(session: string, from: number, limit: number): readonly UnitPlace[] {
    const end: [string, number] = [session, Number.MAX_SAFE_INTEGER]
    const rows = this.#units.getRange({ start: [session, from], end, limit })
    return [...rows].map(({ key, value }) => ({ index: key[1], entries: value }))
  }

  /** Whether a unit of the session begins below a log index. */
  hasBefore(session: string, index: number): boolean {
    return this.#units.getKeysCount({ start: [session, 0], end: [session, index], limit: 1 }) > 0
  }

  async clear(): Promise<void> {
    await Promise.all([this.#numbers.clearAsync(), this.#covered.clearAsync(), this.#units.clearAsync()])
  }

  /** Adds [from, to) to the covered ranges, and gives how many of it were covered already. */
  #cover(session: string, agent: string, from: number, to: number): number {
    let start = from
    let end = to
    const below = this.#covered.getRange({
      start: [session, agent, from],
      end: [session, agent, -1],
      reverse: true,
      limit: 1,
    })
    for (const { key, value } of below) if (value >= from) start = key[2]
    let twice = 0
    const touching = [
      ...this.#covered.getRange({ start: [session, agent, start], end: [session, agent, to + 1] }),
    ]
    for (const { key, value } of touching) {
      twice += Math.max(0, Math.min(value, to) - Math.max(key[2], from))
      end = Math.max(end, value)
      if (key[2] !== start) this.#covered.removeSync(key)
    }
    this.#covered.putSync([session, agent, start], end)
    return twice
  }
}

function judge(agent: string, { actions, forks, last, closes, close }: Numbers): AgentRecord {
  const isClosed = closes === 1 && close?.seq === last && close.count === last
  // A close counts what was before it, and stands for itself.
  const due = Math.max(last + 1, (close?.count ?? -1) + 1)
  const missing = due - actions
  const whole = isClosed ? 'closed' : 'open'
  const state = forks > 0 ? 'forked' : missing > 0 || (closes > 0 && !isClosed) ? 'gap' : whole
  return { agent, state, actions, missing, forks }
}
