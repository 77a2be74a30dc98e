import type { Entry } from './entry.js'

/** Most variables that rules may keep in one collection of one transaction. */
export const MAX_KEYS = 10_000

/** A collection that rules write to (TX, ENV): keys compare case-insensitively and keep the case they were first set with. */
export class KeyedCollection {
  readonly #entries = new Map<string, Entry>()

  get(key: string): string | undefined {
    return this.#entries.get(key.toLowerCase())?.value
  }

  /**
   * Returns false when the collection is full and the key is new.
   *
   * @param lower the key in lower case, where it is known
   */
  set(key: string, value: string, lower = key.toLowerCase()): boolean {
    const old = this.#entries.get(lower)
    if (old === undefined && this.#entries.size >= MAX_KEYS) return false
    this.#entries.set(lower, { key: old?.key ?? key, value })
    return true
  }

  /** Sets a variable to an entry that was made before, under its key in lower case; false when the collection is full. */
  put(lower: string, entry: Entry): boolean {
    if (this.#entries.size >= MAX_KEYS && !this.#entries.has(lower)) return false
    this.#entries.set(lower, entry)
    return true
  }

  /** The same, but a key that is there keeps its case. */
  replace(lower: string, entry: Entry): boolean {
    const old = this.#entries.get(lower)
    if (old === undefined || old.key === entry.key) return this.put(lower, entry)
    return this.set(old.key, entry.value, lower)
  }

  delete(key: string, lower = key.toLowerCase()): void {
    this.#entries.delete(lower)
  }

  /** @param lower the key in lower case */
  lookUp(lower: string): Entry | undefined {
    return this.#entries.get(lower)
  }

  entries(): readonly Entry[] {
    return [...this.#entries.values()]
  }
}
