import { type Entry, NO_ENTRIES } from './entry.js'

/** Lists shorter than this are looked through. */
const MIN_INDEXED = 24

/** Finds the entries of a key, case ignored, in lists that a transaction holds: a list is indexed when it is first asked. */
export class KeyIndex {
  readonly #lists = new Map<readonly Entry[], ReadonlyMap<string, readonly Entry[]>>()

  /** @param key in lower case */
  find(entries: readonly Entry[], key: string): readonly Entry[] {
    if (entries.length === 0) return NO_ENTRIES
    if (entries.length < MIN_INDEXED) return among(entries, key)
    let index = this.#lists.get(entries)
    if (index === undefined) {
      index = indexed(entries)
      this.#lists.set(entries, index)
    }
    return index.get(key) ?? NO_ENTRIES
  }
}

function among(entries: readonly Entry[], key: string): readonly Entry[] {
  let found: Entry[] | undefined
  for (const entry of entries) {
    // Lower case keeps the length of byte strings, and most keys differ in it.
    if (entry.key.length === key.length && entry.key.toLowerCase() === key) (found ??= []).push(entry)
  }
  return found ?? NO_ENTRIES
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
