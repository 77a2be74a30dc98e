import { type Entry, NO_ENTRIES } from './entry.js'

/** Lists shorter than this are looked through. */
const MIN_INDEXED = 4

/** Finds the entries of a key, case ignored, in lists that a transaction holds: a list is indexed when it is first asked. */
export class KeyIndex {
  readonly #lists = new Map<readonly Entry[], ReadonlyMap<string, readonly Entry[]>>()

  /** @param key in lower case */
  find(entries: readonly Entry[], key: string): readonly Entry[] {
    if (entries.length === 0) return NO_ENTRIES
    if (entries.length < MIN_INDEXED) return entries.filter((entry) => entry.key.toLowerCase() === key)
    let index = this.#lists.get(entries)
    if (index === undefined) {
      index = indexed(entries)
      this.#lists.set(entries, index)
    }
    return index.get(key) ?? NO_ENTRIES
  }
}

function indexed(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const index = new Map<string, Entry[]>()
  for (const entry of entries) {
    const key = entry.key.toLowerCase()
    const same = index.get(key)
    if (same === undefined) index.set(key, [entry])
    else same.push(entry)
  }
  return index
}
