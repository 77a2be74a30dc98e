import type { Database } from 'lmdb'
import type { IncidentStore } from '../store.js'

/** Forgotten at once at most, so that no webhook waits long for others to be forgotten. */
const FORGET_AT_ONCE = 100

/**
 * Which webhooks were here, durable. Each is remembered for as long as its signed time would still let it in; after that the
 * age limit refuses it. Must be used inside transactions of the store.
 */
export class Replays {
  /** Key to the end of its memory. */
  readonly #seen: Database<number, string>
  /** The same by that end, so that the oldest are found. */
  readonly #ends: Database<string, string>
  /** Key to what came of it. */
  readonly #came: Database<string, string>

  constructor(store: IncidentStore) {
    this.#seen = store.table('webhooks-seen')
    this.#ends = store.table('webhooks-ends')
    this.#came = store.table('webhooks-came')
  }

  /**
   * Whether a webhook is here for the first time; from now on it is not.
   * @param until how long it is remembered, in milliseconds since the Unix epoch
   */
  isNew(tracker: string, id: string, until: number, now: number): boolean {
    this.#forget(now)
    const key = `${tracker} ${id}`
    if (this.#seen.doesExist(key)) return false
    this.#seen.putSync(key, until)
    this.#ends.putSync(`${String(Math.ceil(until)).padStart(16, '0')} ${key}`, key)
    return true
  }

  /** Keeps what came of a webhook that is remembered, as long as it is. */
  note(tracker: string, id: string, came: string): void {
    this.#came.putSync(`${tracker} ${id}`, came)
  }

  noted(tracker: string, id: string): string | undefined {
    return this.#came.get(`${tracker} ${id}`)
  }

  get size(): number {
    return this.#seen.getCount()
  }

  #forget(now: number): void {
    const end = String(Math.floor(now)).padStart(16, '0')
    const ended = [...this.#ends.getRange({ end, limit: FORGET_AT_ONCE })]
    for (const { key, value } of ended) {
      this.#ends.removeSync(key)
      this.#seen.removeSync(value)
      this.#came.removeSync(value)
    }
  }
}
