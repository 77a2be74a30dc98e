import { KeyedCollection } from './keyed.js'
import type { Entry } from './entry.js'

/** The collections that outlive a transaction. They live in the memory of one process. */
export const PERSISTENT_COLLECTIONS = ['GLOBAL', 'IP', 'SESSION', 'USER', 'RESOURCE'] as const
export type PersistentName = (typeof PERSISTENT_COLLECTIONS)[number]

/** Most records of all collections together; the one unused for longest makes room. */
export const MAX_RECORDS = 100_000

/** One record: the variables of one client, session, user, resource. */
export class PersistentRecord {
  /** When a transaction last opened it, in milliseconds since the epoch. */
  usedAt: number
  readonly values = new KeyedCollection()
  readonly #expiry = new Map<string, number>()

  constructor(
    readonly key: string,
    now: number,
  ) {
    this.usedAt = now
  }

  /** Lets `name` vanish at `time` (milliseconds since the epoch). */
  expire(name: string, time: number): void {
    this.#expiry.set(name.toLowerCase(), time)
  }

  /** Forgets what has expired. */
  sweep(now: number): void {
    for (const [name, time] of this.#expiry) {
      if (time > now) continue
      this.values.delete(name)
      this.#expiry.delete(name)
    }
  }

  entries(): readonly Entry[] {
    return this.values.entries()
  }
}

export class PersistentStore {
  readonly #records = new Map<string, PersistentRecord>()

  /** The record `key` of `collection`, new when there is none or it was not used for `timeoutMs`. */
  open(collection: PersistentName, key: string, now: number, timeoutMs: number): PersistentRecord {
    const full = `${collection}\0${key}`
    let record = this.#records.get(full)
    if (record !== undefined && now - record.usedAt > timeoutMs) {
      this.#records.delete(full)
      record = undefined
    }
    if (record === undefined) {
      record = new PersistentRecord(key, now)
      if (this.#records.size >= MAX_RECORDS) {
        const oldest = this.#records.keys().next()
        if (oldest.done !== true) this.#records.delete(oldest.value)
      }
    } else {
      // Deleting and setting again keeps the map in order of use.
      this.#records.delete(full)
      record.usedAt = now
      record.sweep(now)
    }
    this.#records.set(full, record)
    return record
  }
}

export function isPersistent(name: string): name is PersistentName {
  const names: readonly string[] = PERSISTENT_COLLECTIONS
  return names.includes(name)
}
