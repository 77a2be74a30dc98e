import type { CounterStore } from './ports.js'

interface Bucket {
  tokens: number
  at: number
}

interface Offences {
  count: number
  until: number
}

/**
 * Counters of one process, for library users and tests; a gateway with several threads brings counters that they share.
 * Each of its three tables holds at most `capacity` keys; at capacity the key that was used longest ago goes, so that a
 * flood of addresses costs no memory.
 */
export class MemoryCounterStore implements CounterStore {
  readonly #buckets = new Map<string, Bucket>()
  readonly #offences = new Map<string, Offences>()
  readonly #bans = new Map<string, number>()

  constructor(readonly capacity = 100_000) {}

  take(key: string, perSecond: number, burst: number, now: number): { ok: boolean; retryAfterMs: number } {
    const known = this.#buckets.get(key)
    const elapsed = known ? Math.max(0, now - known.at) : 0
    const tokens = known ? Math.min(burst, known.tokens + (elapsed / 1000) * perSecond) : burst
    const ok = tokens >= 1
    this.#put(this.#buckets, key, { tokens: ok ? tokens - 1 : tokens, at: now })
    return { ok, retryAfterMs: ok ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000) }
  }

  offend(key: string, windowMs: number, now: number): number {
    const known = this.#offences.get(key)
    const offences = known && known.until > now ? known : { count: 0, until: now + windowMs }
    offences.count++
    this.#put(this.#offences, key, offences)
    return offences.count
  }

  ban(key: string, until: number): void {
    this.#put(this.#bans, key, until)
  }

  bannedUntil(key: string, now: number): number {
    const until = this.#bans.get(key)
    if (until === undefined) return 0
    if (until > now) return until
    this.#bans.delete(key)
    return 0
  }

  #put<T>(table: Map<string, T>, key: string, value: T): void {
    table.delete(key)
    if (table.size >= this.capacity) {
      const oldest = table.keys().next()
      if (oldest.done !== true) table.delete(oldest.value)
    }
    table.set(key, value)
  }
}
