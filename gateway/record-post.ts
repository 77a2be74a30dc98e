import type { WrittenRecord } from './written-record.js'

/** Records wait at most this long for the ones behind them, and so many at most. */
const GATHER_MS = 5
const MAX_GATHERED = 128
/** Records that the other thread has not taken yet; beyond it they are lost, and counted. */
const MAX_OUTSTANDING = 20_000

/**
 * Hands records to the thread that keeps them, in batches and in order. A batch of structured clones costs some 7 µs a record
 * on both sides together, one message for each twice that; a ring buffer in shared memory would save two of them.
 */
export class RecordPost {
  readonly #post: (records: readonly WrittenRecord[], lost: number) => void
  #gathered: WrittenRecord[] = []
  #lost = 0
  #outstanding = 0
  #timer: NodeJS.Timeout | undefined

  /** @param post gets the number of records lost since the last call, too */
  constructor(post: (records: readonly WrittenRecord[], lost: number) => void) {
    this.#post = post
  }

  add(written: WrittenRecord): void {
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS)
    if (this.#outstanding >= MAX_OUTSTANDING) {
      this.#lost++
      return
    }
    this.#outstanding++
    this.#gathered.push(written)
    if (this.#gathered.length >= MAX_GATHERED) this.flush()
  }

  /** The other thread has taken so many. */
  taken(count: number): void {
    this.#outstanding -= count
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#gathered.length === 0 && this.#lost === 0) return
    const batch = this.#gathered
    const lost = this.#lost
    this.#gathered = []
    this.#lost = 0
    this.#post(batch, lost)
  }
}
