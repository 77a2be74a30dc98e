/** Sets that are remembered; a power of two. */
const slots = 1024

/** Bit sets of one length, most of them the same few: equal ones are one object, so that none is allocated for each value. */
export class BitSets {
  readonly #known = Array.from<Int32Array | undefined>({ length: slots })

  /** A set that is equal to `bits` and that nobody may change. */
  of(bits: Int32Array): Int32Array {
    let hash = 0
    for (let word = 0; word < bits.length; word++) hash = Math.imul(hash ^ (bits[word] ?? 0), 0x9e3779b1)
    // The ten highest bits.
    const slot = hash >>> 22
    const known = this.#known[slot]
    if (known !== undefined && equal(known, bits)) return known
    return (this.#known[slot] = bits.slice())
  }
}

function equal(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false
  for (let word = 0; word < a.length; word++) if (a[word] !== b[word]) return false
  return true
}
