/** Slots that one key may be in; they share a lock. */
const WAYS = 8
const SPINS = 2000
/** A holder that is gone (its thread ended) loses the lock after so many waits of a millisecond. */
const MAX_WAITS = 50

/** Buffers of a table, to be handed to another thread. */
export interface CounterTableMemory {
  readonly locks: SharedArrayBuffer
  readonly hashes: SharedArrayBuffer
  readonly values: SharedArrayBuffer
  readonly stats: SharedArrayBuffer
}

/** Two numbers of one key. They are only valid inside the `update` that they were given to. */
export interface CounterSlot {
  a: number
  b: number
}

/**
 * A hash table of two numbers per key in memory that threads share: open addressing in sets of eight slots, one lock per
 * set, never any growth. When a set is full, the slot that `rank` puts lowest goes; if it still meant something, that is
 * counted in `evicted`.
 */
export class CounterTable {
  readonly memory: CounterTableMemory
  readonly #locks: Int32Array
  readonly #hashes: Int32Array
  readonly #values: Float64Array
  readonly #stats: Int32Array
  readonly #sets: number
  readonly #slot: CounterSlot = { a: 0, b: 0 }

  constructor(memory: CounterTableMemory) {
    this.memory = memory
    this.#locks = new Int32Array(memory.locks)
    this.#hashes = new Int32Array(memory.hashes)
    this.#values = new Float64Array(memory.values)
    this.#stats = new Int32Array(memory.stats)
    this.#sets = this.#locks.length
  }

  /** @param capacity keys at most; rounded up to a power of two */
  static allocate(capacity: number): CounterTableMemory {
    const sets = 2 ** Math.ceil(Math.log2(Math.max(1, capacity / WAYS)))
    return {
      locks: new SharedArrayBuffer(sets * 4),
      hashes: new SharedArrayBuffer(sets * WAYS * 2 * 4),
      values: new SharedArrayBuffer(sets * WAYS * 2 * 8),
      stats: new SharedArrayBuffer(4),
    }
  }

  /** Slots that were given up while they still meant something. */
  get evicted(): number {
    return Atomics.load(this.#stats, 0)
  }

  /**
   * Reads and writes the numbers of a key under the lock of its set.
   *
   * @param rank what a slot is worth keeping: over 0 it still means something; the lowest goes first
   * @param change gets the slot, zeroed when the key is new, and tells the result
   */
  update<Result>(
    low: number,
    high: number,
    rank: (slot: CounterSlot) => number,
    change: (slot: CounterSlot, isNew: boolean) => Result,
  ): Result {
    const set = (low ^ (high << 7)) & (this.#sets - 1)
    this.#lock(set)
    try {
      const known = this.#find(set, low, high)
      const at = known === -1 ? this.#make(set, low, high, rank) : known
      const slot = this.#slot
      slot.a = this.#values[at * 2] ?? 0
      slot.b = this.#values[at * 2 + 1] ?? 0
      const result = change(slot, known === -1)
      this.#values[at * 2] = slot.a
      this.#values[at * 2 + 1] = slot.b
      return result
    } finally {
      Atomics.store(this.#locks, set, 0)
    }
  }

  /** Reads the first number of a key; 0 when it is not there. */
  read(low: number, high: number): number {
    const set = (low ^ (high << 7)) & (this.#sets - 1)
    this.#lock(set)
    try {
      const at = this.#find(set, low, high)
      return at === -1 ? 0 : (this.#values[at * 2] ?? 0)
    } finally {
      Atomics.store(this.#locks, set, 0)
    }
  }

  #find(set: number, low: number, high: number): number {
    for (let at = set * WAYS; at < (set + 1) * WAYS; at++)
      if (this.#hashes[at * 2] === low && this.#hashes[at * 2 + 1] === high) return at
    return -1
  }

  #make(set: number, low: number, high: number, rank: (slot: CounterSlot) => number): number {
    let chosen = set * WAYS
    let lowest = Infinity
    for (let at = set * WAYS; at < (set + 1) * WAYS; at++) {
      if (this.#hashes[at * 2] === 0 && this.#hashes[at * 2 + 1] === 0) {
        chosen = at
        lowest = 0
        break
      }
      this.#slot.a = this.#values[at * 2] ?? 0
      this.#slot.b = this.#values[at * 2 + 1] ?? 0
      const worth = rank(this.#slot)
      if (worth < lowest) {
        lowest = worth
        chosen = at
      }
    }
    if (lowest > 0) Atomics.add(this.#stats, 0, 1)
    this.#hashes[chosen * 2] = low
    this.#hashes[chosen * 2 + 1] = high
    this.#values[chosen * 2] = 0
    this.#values[chosen * 2 + 1] = 0
    return chosen
  }

  #lock(set: number): void {
    for (let spins = 0, waits = 0; Atomics.compareExchange(this.#locks, set, 0, 1) !== 0;) {
      if (++spins < SPINS) continue
      spins = 0
      if (++waits > MAX_WAITS) return
      Atomics.wait(this.#locks, set, 1, 1)
    }
  }
}
