import { setTimeout as pause } from 'node:timers/promises'

/** Milliseconds of work that may be done at once after a rest. */
const MOST_CREDIT_MS = 1_000

/**
 * The pace of what nobody waits for: it can stand still, and it takes at most a share of the processors. What is asked for
 * (clamd, HTTP, ICAP) does not go by it.
 */
export class Pace {
  #paused: { readonly promise: Promise<void>; readonly go: () => void } | undefined
  #credit = MOST_CREDIT_MS
  #at: number

  constructor(
    /** Cores that may be busy on average; undefined for all. */
    readonly maxCores: number | undefined,
    /** Milliseconds, never going back. */
    readonly now: () => number = () => performance.now(),
  ) {
    this.#at = now()
  }

  get isPaused(): boolean {
    return this.#paused !== undefined
  }

  pause(): void {
    if (this.#paused) return
    let go = (): void => undefined
    const promise = new Promise<void>((resolve) => {
      go = resolve
    })
    this.#paused = { promise, go }
  }

  resume(): void {
    this.#paused?.go()
    this.#paused = undefined
  }

  /** Counts the work of judging one file, in milliseconds. */
  spent(ms: number): void {
    this.#credit -= ms
  }

  /** Resolves when another file may be judged, or at the signal. */
  async ready(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#paused) await settled(this.#paused.promise, signal)
      const wait = this.#wait()
      if (wait <= 0 && !this.#paused) return
      if (wait > 0) await settled(pause(wait), signal)
    }
  }

  /** Milliseconds until there is credit again. */
  #wait(): number {
    if (this.maxCores === undefined) return 0
    const now = this.now()
    this.#credit = Math.min(MOST_CREDIT_MS, this.#credit + (now - this.#at) * this.maxCores)
    this.#at = now
    return this.#credit > 0 ? 0 : Math.ceil(-this.#credit / this.maxCores) + 1
  }
}

/** Resolves with the promise, or at the signal. */
const settled = (promise: Promise<unknown>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
    promise.then(done, done)
  })
