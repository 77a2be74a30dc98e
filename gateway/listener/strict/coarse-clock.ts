/** How often deadlines are looked at, at most and at least. */
const MAX_TICK_MS = 500
const MIN_TICK_MS = 10

/**
 * A clock that moves in steps, and looks at all deadlines with each step: a request then costs no timer and no system
 * call. A deadline is met late by at most two steps, never early.
 */
export class CoarseClock {
  /** Milliseconds; of the last step. */
  now = performance.now()
  readonly #tickMs: number
  readonly #timer: NodeJS.Timeout
  #date = ''
  #dateSecond = 0

  /**
   * @param shortestMs the shortest time that will be measured
   * @param onTick called after each step
   */
  constructor(shortestMs: number, onTick: () => void) {
    this.#tickMs = Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, Math.floor(shortestMs / 4)))
    this.#timer = setInterval(() => {
      this.now = performance.now()
      onTick()
    }, this.#tickMs)
    this.#timer.unref()
  }

  /** Whether `limitMs` have passed since the clock stood at `since`. */
  passed(since: number, limitMs: number): boolean {
    return this.now - since >= limitMs + this.#tickMs
  }

  /** Now as the `Date` field writes it (RFC 9110 section 5.6.7). */
  get date(): string {
    const now = Date.now()
    const second = Math.floor(now / 1000)
    if (second !== this.#dateSecond) {
      this.#dateSecond = second
      this.#date = new Date(now).toUTCString()
    }
    return this.#date
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
