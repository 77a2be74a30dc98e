import { randomFillSync } from 'node:crypto'

import type { CounterStore } from '../detectors/ports.js'
import type { CounterSlot, CounterTableMemory } from './counter-table.js'
import { CounterTable } from './counter-table.js'

/** Everything that a thread needs to see the same counters. */
export interface CounterMemory {
  /** Secret start values of the hash, so that nobody outside can make two keys meet. */
  readonly seed: SharedArrayBuffer
  readonly buckets: CounterTableMemory
  readonly offences: CounterTableMemory
  readonly bans: CounterTableMemory
}

/** Keys that each of the three tables holds by default: 131,072, for 10 MB in all. */
export const DEFAULT_COUNTER_CAPACITY = 131_072

/** A bucket that nobody used for so long is taken for full again. */
const FORGOTTEN_MS = 600_000

/** Makes the memory of a set of counters, to be handed to every thread. */
export const allocateCounters = (capacity = DEFAULT_COUNTER_CAPACITY): CounterMemory => {
  const seed = new SharedArrayBuffer(8)
  randomFillSync(new Uint8Array(seed))
  return {
    seed,
    buckets: CounterTable.allocate(capacity),
    offences: CounterTable.allocate(capacity),
    bans: CounterTable.allocate(capacity),
  }
}

/**
 * Token buckets, offences and bans in memory that all threads of a gateway share. Each table is bounded; a flood of keys
 * pushes out the ones that were used longest ago (of bans: the one that ends first), and `evicted` says how many still
 * meant something. Keys are kept as 64-bit hashes under a secret seed.
 */
export class SharedCounterStore implements CounterStore {
  readonly #seed: Int32Array
  readonly #buckets: CounterTable
  readonly #offences: CounterTable
  readonly #bans: CounterTable
  /** The latest time that a caller gave; tells which bans are over. */
  #now = 0
  #low = 0
  #high = 0

  constructor(memory: CounterMemory) {
    this.#seed = new Int32Array(memory.seed)
    this.#buckets = new CounterTable(memory.buckets)
    this.#offences = new CounterTable(memory.offences)
    this.#bans = new CounterTable(memory.bans)
  }

  /** Entries given up for room while they still meant something, by table. */
  get evicted(): { readonly buckets: number; readonly offences: number; readonly bans: number } {
    return {
      buckets: this.#buckets.evicted,
      offences: this.#offences.evicted,
      bans: this.#bans.evicted,
    }
  }

  take(key: string, perSecond: number, burst: number, now: number): { ok: boolean; retryAfterMs: number } {
    this.#hash(key)
    // a: tokens, b: when they were counted.
    const worth = (slot: CounterSlot): number => slot.b - (now - FORGOTTEN_MS)
    return this.#buckets.update(this.#low, this.#high, worth, (slot, isNew) => {
      const elapsed = isNew ? 0 : Math.max(0, now - slot.b)
      const tokens = isNew ? burst : Math.min(burst, slot.a + (elapsed / 1000) * perSecond)
      const ok = tokens >= 1
      slot.a = ok ? tokens - 1 : tokens
      slot.b = now
      return { ok, retryAfterMs: ok ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000) }
    })
  }

  offend(key: string, windowMs: number, now: number): number {
    this.#now = now
    this.#hash(key)
    // a: count, b: end of the window.
    return this.#offences.update(
      this.#low,
      this.#high,
      (slot) => slot.b - now,
      (slot) => {
        if (slot.b <= now) {
          slot.a = 0
          slot.b = now + windowMs
        }
        return ++slot.a
      },
    )
  }

  ban(key: string, until: number): void {
    this.#hash(key)
    const now = this.#now
    this.#bans.update(
      this.#low,
      this.#high,
      (slot) => slot.a - now,
      (slot) => {
        slot.a = Math.max(slot.a, until)
      },
    )
  }

  bannedUntil(key: string, now: number): number {
    this.#now = now
    this.#hash(key)
    const until = this.#bans.read(this.#low, this.#high)
    return until > now ? until : 0
  }

  /** 64 bits in two words, never both zero: that is an empty slot. */
  #hash(key: string): void {
    let low = this.#seed[0] ?? 0
    let high = this.#seed[1] ?? 0
    for (let at = 0; at < key.length; at++) {
      const code = key.charCodeAt(at)
      low = Math.imul(low ^ code, 0x85ebca6b)
      low = (low << 13) | (low >>> 19)
      high = Math.imul(high ^ code, 0xc2b2ae35)
      high = (high << 11) | (high >>> 21)
    }
    low = Math.imul(low ^ (high >>> 15), 0x9e3779b1)
    high = Math.imul(high ^ (low >>> 13), 0x85ebca77)
    low ^= high >>> 16
    this.#low = low | 0
    this.#high = high | 0 || 1
  }
}
