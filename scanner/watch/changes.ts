/** Milliseconds for which a path has to be quiet, and after which it is due although it is not. */
const QUIET_MS = 200
const MOST_MS = 5_000
/** After a file was judged, how many times as long as that took it rests: one that is written all the time would never let go. */
const REST = 10
/** Paths at once; with more, a walk over everything is cheaper. */
export const MAX_CHANGES = 100_000

/** Paths that changed, each once however often, until they have come to rest. */
export class Changes {
  readonly #paths = new Map<string, { readonly first: number; last: number }>()
  /** When a path may be due again. */
  readonly #resting = new Map<string, number>()

  get size(): number {
    return this.#paths.size
  }

  /** @param now milliseconds @returns false when there are too many, and all were dropped */
  add(path: Buffer, now: number): boolean {
    const name = path.toString('latin1')
    const known = this.#paths.get(name)
    if (known) known.last = now
    else this.#paths.set(name, { first: now, last: now })
    if (this.#paths.size <= MAX_CHANGES) return true
    this.#paths.clear()
    return false
  }

  /** Tells that judging a path took so many milliseconds. */
  judged(path: Buffer, ms: number, now: number): void {
    if (ms * REST > QUIET_MS) this.#resting.set(path.toString('latin1'), now + ms * REST)
  }

  /** Takes the paths that are due. */
  take(now: number): Buffer[] {
    for (const [name, until] of this.#resting) if (until <= now) this.#resting.delete(name)
    const due: Buffer[] = []
    for (const [name, { first, last }] of this.#paths) {
      const rests = this.#resting.has(name)
      if (rests || (now - last < QUIET_MS && now - first < MOST_MS)) continue
      this.#paths.delete(name)
      due.push(Buffer.from(name, 'latin1'))
    }
    return due
  }
}
