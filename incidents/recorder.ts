import type { Logger } from 'pino'
import { codeOf, messageOf } from '../runtime/errors.js'
import type { Topic } from '../runtime/outbox.js'
import type { IncidentStore } from './store.js'

export interface RecorderDeps {
  readonly store: IncidentStore
  /** Topic `ledger` of the outbox. */
  readonly topic: Topic
  readonly log: Logger
}

/** Entries that are put into the outbox at once. */
const BATCH = 256
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 5000

/**
 * Moves the signed entries of incidents into the outbox, in order. An entry leaves the store after it is durable there: a crash
 * in between brings the same bytes a second time, and the ledger takes them once.
 */
export class EntryRecorder {
  readonly #deps: RecorderDeps
  #running: Promise<void> = Promise.resolve()
  #problem: string | undefined
  #stopping = false
  #endPause: (() => void) | undefined

  constructor(deps: RecorderDeps) {
    this.#deps = deps
  }

  /** Why entries wait; undefined while they do not. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Resolves once every entry of transactions that ended before is durable in the outbox, or when it is stopped. */
  record(): Promise<void> {
    this.#running = this.#running.then(() => this.#drain())
    return this.#running
  }

  /** Makes a last attempt; what the outbox does not take waits for the next start. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#endPause?.()
    await this.record()
  }

  async #drain(): Promise<void> {
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, MAX_RETRY_MS)) {
      try {
        while (await this.#batch()) pause = FIRST_RETRY_MS
        this.#problem = undefined
        return
      } catch (error) {
        this.#problem = `the steps of incidents do not reach the ledger: ${codeOf(error) ?? messageOf(error)}`
        this.#deps.log.error({ err: error, retry_ms: pause }, 'steps of incidents wait for the ledger')
        if (this.#stopping) return
        await this.#pause(pause)
      }
    }
  }

  /** False when none waited. */
  async #batch(): Promise<boolean> {
    const { store, topic } = this.#deps
    store.refresh()
    const entries = store.sessions.pending(BATCH)
    if (entries.length === 0) return false
    const appended = await Promise.allSettled(entries.map(({ item }) => topic.append(item)))
    const refused = appended.findIndex(({ status }) => status === 'rejected')
    const taken = refused < 0 ? entries : entries.slice(0, refused)
    if (taken.length > 0)
      await store.transaction(() => {
        for (const { number } of taken) store.sessions.remove(number)
      })
    const failure = appended[refused]
    if (failure?.status === 'rejected') throw failure.reason
    return true
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#endPause = end
      if (this.#stopping) end()
    })
  }
}
