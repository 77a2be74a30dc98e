import type { Logger } from 'pino'
import type { IncidentsConfig } from '../config.js'
import type { IncidentStore } from '../store.js'

export interface DeadLettersDeps {
  readonly store: IncidentStore
  readonly limits: IncidentsConfig['dead_letters']
  readonly now: () => number
  readonly log: Logger
}

const LOOK_MS = 60_000
const DAY_MS = 86_400_000

/**
 * Deletes dead letters that nobody took up again: those that are too old, and the oldest of too many. What was given up stays
 * on record with its incident; it only cannot be tried again.
 */
export class DeadLetters {
  readonly #deps: DeadLettersDeps
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(deps: DeadLettersDeps) {
    this.#deps = deps
  }

  start(): void {
    const look = (): void => {
      this.#running = this.clear().catch((error: unknown) =>
        this.#deps.log.error({ err: error }, 'old dead letters could not be deleted; it is tried again'),
      )
    }
    look()
    this.#timer = setInterval(look, LOOK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  /** Deletes those whose time is over now. */
  async clear(): Promise<void> {
    const { store, limits, now, log } = this.#deps
    const before = now() - limits.keep_days * DAY_MS
    let deleted = 0
    for (;;) {
      store.refresh()
      if (store.work.expired(before, limits.most).length === 0) break
      deleted += await store.transaction(() => {
        const ids = store.work.expired(before, limits.most)
        for (const id of ids) store.work.remove(id)
        return ids.length
      })
    }
    if (deleted > 0) log.warn({ deleted, ...limits }, 'old dead letters were deleted')
  }
}
