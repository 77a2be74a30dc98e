import { createHash } from 'node:crypto'
import type { Database } from 'lmdb'
import type { IncidentStore } from '../../store.js'

/** How far the clocks of both ends may be apart, in seconds. */
export const MAX_SKEW_S = 300

/** How long an id is known; a message is stale before it is forgotten. */
const REMEMBER_MS = 2 * MAX_SKEW_S * 1000

/** Messages of one agent that are remembered; one that sends more within ten minutes is refused until it is slower. */
export const MAX_SEEN = 20_000

export type Admission = 'fresh' | 'stale' | 'seen' | 'too_many'

/** The ids of messages that were believed, on disk, so that none is believed twice: not by another connection either, nor after a restart. */
export class SeenMessages {
  readonly #store: Pick<IncidentStore, 'table' | 'transaction'>
  /** Agent and digest of the id to when it is forgotten. */
  readonly #seen: Database<number, string>
  readonly #counts = new Map<string, number>()
  #purged = 0

  constructor(store: Pick<IncidentStore, 'table' | 'transaction'>) {
    this.#store = store
    this.#seen = store.table('tunnel-seen')
    for (const key of this.#seen.getKeys()) this.#count(key, 1)
  }

  /**
   * Admits a signed message once; resolves when that is durable.
   *
   * @param sent its `ts`, in seconds since the Unix epoch
   * @param now milliseconds since the Unix epoch
   */
  async admit(agent: string, id: string, sent: number, now: number): Promise<Admission> {
    if (Math.abs(now / 1000 - sent) > MAX_SKEW_S) return 'stale'
    const key = `${agent} ${createHash('sha256').update(id).digest('hex')}`
    return this.#store.transaction((): Admission => {
      this.#purge(now)
      if (this.#seen.get(key) !== undefined) return 'seen'
      if ((this.#counts.get(agent) ?? 0) >= MAX_SEEN) return 'too_many'
      this.#seen.putSync(key, now + REMEMBER_MS)
      this.#count(key, 1)
      return 'fresh'
    })
  }

  #purge(now: number): void {
    if (Math.abs(now - this.#purged) < REMEMBER_MS / 20) return
    this.#purged = now
    const old = [...this.#seen.getRange({})].filter(({ value }) => value < now)
    for (const { key } of old) {
      this.#seen.removeSync(key)
      this.#count(key, -1)
    }
  }

  #count(key: string, change: number): void {
    const agent = key.slice(0, key.indexOf(' '))
    this.#counts.set(agent, (this.#counts.get(agent) ?? 0) + change)
  }
}
