/** Callers that are remembered; of more, the one that was away the longest starts anew. */
const MAX_CALLERS = 10_000

interface Bucket {
  tokens: number
  /** Monotonic, in milliseconds. */
  filled: number
}

/** A token bucket for each caller. It holds what a caller may send in ten seconds, so that a short burst passes. */
export class RateLimit {
  readonly #perMs: number
  readonly #capacity: number
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** @param now monotonic, in milliseconds */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMs = perMinute / 60_000
    this.#capacity = Math.max(1, perMinute / 6)
    this.#now = now
  }

  /** Seconds until the caller may come again; 0 when this call is let through. */
  take(caller: string): number {
    const now = this.#now()
    const bucket = this.#buckets.get(caller) ?? { tokens: this.#capacity, filled: now }
    bucket.tokens = Math.min(this.#capacity, bucket.tokens + (now - bucket.filled) * this.#perMs)
    bucket.filled = now
    // Put last again: a Map keeps the order in which keys were put in.
    this.#buckets.delete(caller)
    this.#buckets.set(caller, bucket)
    if (this.#buckets.size > MAX_CALLERS) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1
      return 0
    }
    return Math.ceil((1 - bucket.tokens) / this.#perMs / 1000)
  }
}
