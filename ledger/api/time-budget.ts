import { LedgerError } from '../errors.js'

/**
 * A share of the one thread that work which anybody may ask for can take: `share` of the time, and `burstMs` at once when
 * nothing was asked for a while. Work that is too long for the rest is done, and paid for by those who come next.
 */
export class TimeBudget {
  readonly #share: number
  readonly #burstMs: number
  readonly #now: () => number
  #leftMs: number
  #at: number

  /** @param now milliseconds, monotonic */
  constructor(share: number, burstMs: number, now: () => number = () => performance.now()) {
    this.#share = share
    this.#burstMs = burstMs
    this.#now = now
    this.#leftMs = burstMs
    this.#at = now()
  }

  /** @throws LedgerError `RATE_LIMITED` when the budget is used up, with `retry_after` in seconds */
  spend<T>(work: () => T): T {
    this.#refill()
    if (this.#leftMs <= 0) {
      const retry_after = Math.max(1, Math.ceil(-this.#leftMs / this.#share / 1000))
      throw new LedgerError('RATE_LIMITED', 'more is asked for than this ledger verifies for others', {
        detail: { retry_after },
      })
    }
    try {
      return work()
    } finally {
      this.#leftMs -= this.#now() - this.#at
      this.#at = this.#now()
    }
  }

  #refill(): void {
    const now = this.#now()
    this.#leftMs = Math.min(this.#burstMs, this.#leftMs + (now - this.#at) * this.#share)
    this.#at = now
  }
}
