/**
 * Lets work that takes milliseconds happen once per turn of the event loop, in order: whatever came in together, all others are served in between.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []

  /** Runs `work` in a turn of its own; it may not throw. */
  take(work: () => void): void {
    if (this.#waiting.push(work) === 1) setImmediate(this.#next)
  }

  readonly #next = (): void => {
    const [work] = this.#waiting
    try {
      work?.()
    } finally {
      this.#waiting.shift()
      if (this.#waiting.length > 0) setImmediate(this.#next)
    }
  }
}

/** Bodies from this size on take milliseconds to judge. */
const LARGE = 16 * 1024

const turns = new Turns()

/** Judges a body of `length` bytes: a large one in a turn of its own, any other at once. `judge` may not throw. */
export function judgeInTurn(length: number, judge: () => void): void {
  if (length < LARGE) judge()
  else turns.take(judge)
}
