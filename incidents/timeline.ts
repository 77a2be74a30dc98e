import type { Database, RootDatabase } from 'lmdb'
import type { ActionValue } from '../ledger/client/types.js'

/** One thing that happened to an incident, as people read it. */
export interface TimelineItem {
  /** From 1, per incident. */
  readonly number: number
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  /** Kind of the ledger's entry. */
  readonly kind: string
  /** Id of that entry. */
  readonly entry: string
  /** What the entry says beyond the incident itself. */
  readonly facts: { readonly [key: string]: ActionValue }
  /** A comment. It stays here: what people write may have to be erased, and the ledger never forgets. */
  readonly text?: string
}

/** Items of one incident that are kept; the ledger has all. */
export const MAX_TIMELINE = 1000
/** Of these, the first are kept for good; the others are the latest. */
const KEPT_FIRST = 200

/** What happened, per incident and in order. Writes must run inside a transaction of the incident store. */
export class Timeline {
  readonly #items: Database<Omit<TimelineItem, 'number'>, [incident: string, number: number]>

  constructor(root: RootDatabase) {
    this.#items = root.openDB({ name: 'timeline', encoding: 'json' })
  }

  add(incident: string, item: Omit<TimelineItem, 'number'>): void {
    const number = this.#last(incident) + 1
    this.#items.putSync([incident, number], item)
    // From here on each new one takes the place of the oldest that is not among the first.
    if (number > MAX_TIMELINE) this.#items.removeSync([incident, number - MAX_TIMELINE + KEPT_FIRST])
  }

  /** Items behind a number, at most `limit`. */
  list(incident: string, after = 0, limit = MAX_TIMELINE): readonly TimelineItem[] {
    const range = this.#items.getRange({ start: [incident, after + 1], end: [incident, Infinity], limit })
    return [...range].map(({ key, value }) => ({ number: key[1], ...value }))
  }

  #last(incident: string): number {
    const [last] = this.#items.getKeys({
      start: [incident, Infinity],
      end: [incident, 0],
      reverse: true,
      limit: 1,
    })
    return last?.[1] ?? 0
  }
}
