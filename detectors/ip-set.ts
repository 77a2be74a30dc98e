import { maskWord, parseAddress, type AddressWords, type Network } from './ip-address.js'

/**
 * A set of networks made for look-up: sorted, merged, disjoint ranges in typed arrays, one pair per family, searched by
 * bisection. A million entries take 8 MB (IPv4) or 32 MB (IPv6) and about twenty comparisons. IPv4 and IPv6 are
 * separate: `::/0` holds no IPv4 address, also not as a mapped one.
 */
export class IpSet {
  readonly #fours: { readonly low: Uint32Array; readonly high: Uint32Array }
  readonly #sixes: { readonly low: Uint32Array; readonly high: Uint32Array }

  constructor(networks: Iterable<Network>) {
    const fours: number[] = []
    const sixes: number[] = []
    for (const { address, bits } of networks) {
      if (address.family === 4) fours.push(address.word * 64 + bits)
      else sixes.push(...address.words, bits)
    }
    this.#fours = mergeFours(Float64Array.from(fours))
    this.#sixes = mergeSixes(Uint32Array.from(sixes))
  }

  /** Disjoint ranges held, both families together. */
  get ranges(): number {
    return this.#fours.low.length + this.#sixes.low.length / 4
  }

  /** Whether the set holds this address; `undefined` when the text is not an address. */
  has(address: string): boolean | undefined {
    const parsed = parseAddress(address)
    return parsed && this.hasWords(parsed)
  }

  hasWords(address: AddressWords): boolean {
    if (address.family === 4) {
      const { low, high } = this.#fours
      let from = 0
      let to = low.length
      while (from < to) {
        const middle = (from + to) >>> 1
        if ((low[middle] ?? 0) <= address.word) from = middle + 1
        else to = middle
      }
      return from > 0 && address.word <= (high[from - 1] ?? 0)
    }
    const { low, high } = this.#sixes
    let from = 0
    let to = low.length / 4
    while (from < to) {
      const middle = (from + to) >>> 1
      if (compareSix(low, middle * 4, address.words, 0) <= 0) from = middle + 1
      else to = middle
    }
    return from > 0 && compareSix(address.words, 0, high, (from - 1) * 4) <= 0
  }
}

type Words = Uint32Array | readonly number[]

function compareSix(a: Words, ai: number, b: Words, bi: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = (a[ai + i] ?? 0) - (b[bi + i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Takes `network * 64 + bits`, so that the natural order of numbers sorts by network and puts wider ones first. */
function mergeFours(packed: Float64Array): { low: Uint32Array; high: Uint32Array } {
  packed.sort()
  const low = new Uint32Array(packed.length)
  const high = new Uint32Array(packed.length)
  let n = 0
  for (const entry of packed) {
    const start = Math.floor(entry / 64)
    const end = start + 2 ** (32 - (entry % 64)) - 1
    if (n > 0 && start <= (high[n - 1] ?? 0) + 1) {
      if (end > (high[n - 1] ?? 0)) high[n - 1] = end
    } else {
      low[n] = start
      high[n] = end
      n++
    }
  }
  return { low: low.slice(0, n), high: high.slice(0, n) }
}

/** Takes records of five numbers: four words of the network, and its bits. */
function mergeSixes(records: Uint32Array): { low: Uint32Array; high: Uint32Array } {
  const count = records.length / 5
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i * 5
  order.sort((a, b) => compareSix(records, a, records, b) || (records[a + 4] ?? 0) - (records[b + 4] ?? 0))
  const low = new Uint32Array(count * 4)
  const high = new Uint32Array(count * 4)
  const end = new Uint32Array(4)
  let n = 0
  for (const at of order) {
    const bits = records[at + 4] ?? 0
    for (let i = 0; i < 4; i++) end[i] = ((records[at + i] ?? 0) | ~maskWord(bits - i * 32)) >>> 0
    // Networks nest or are disjoint, so one that starts inside the last range also ends inside it.
    if (n > 0 && compareSix(records, at, high, (n - 1) * 4) <= 0) continue
    low.set(records.subarray(at, at + 4), n * 4)
    high.set(end, n * 4)
    n++
  }
  return { low: low.slice(0, n * 4), high: high.slice(0, n * 4) }
}
