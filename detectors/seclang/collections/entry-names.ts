import { type Entry, NO_ENTRIES } from './entry.js'

/** The names of entries as values, each under itself as key: made once for a list that a transaction holds, when they are first asked for. */
export class EntryNames {
  readonly #lists = new Map<readonly Entry[], readonly Entry[]>()

  of(entries: readonly Entry[]): readonly Entry[] {
    if (entries.length === 0) return NO_ENTRIES
    let names = this.#lists.get(entries)
    if (names === undefined) {
      names = entries.map((entry) => ({ key: entry.key, value: entry.key, of: entry }))
      this.#lists.set(entries, names)
    }
    return names
  }
}
