/** Bits for each digest: with 6 probes in a block of 64 bytes about one absent digest in 200 seems present. */
const BITS = 12
const BLOCK_WORDS = 16

/**
 * A blocked Bloom filter over digests: every probe of one digest is in one cache line. Digests are evenly spread already, so
 * their own bytes are the hash functions; whoever makes digests collide in it only makes their own lookups slower.
 */
export class BloomFilter {
  readonly #blocks: number

  constructor(readonly words: Int32Array) {
    this.#blocks = words.length / BLOCK_WORDS
  }

  /** @param count digests that it will hold */
  static for(count: number): BloomFilter {
    return new BloomFilter(new Int32Array(Math.ceil((count * BITS) / 512 || 1) * BLOCK_WORDS))
  }

  /** @param at offset of a digest of at least 16 bytes */
  add(bytes: Buffer, at: number): void {
    const block = this.#block(bytes, at)
    for (let half = 0; half < 2; half++) {
      const probes = bytes.readUInt32LE(at + 8 + half * 4)
      for (let shift = 0; shift < 27; shift += 9) {
        const word = block + ((probes >>> shift) & 15)
        this.words[word] = (this.words[word] ?? 0) | (1 << ((probes >>> (shift + 4)) & 31))
      }
    }
  }

  mayHave(bytes: Buffer, at: number): boolean {
    const { words } = this
    const block = this.#block(bytes, at)
    for (let half = 0; half < 2; half++) {
      const probes = bytes.readUInt32LE(at + 8 + half * 4)
      for (let shift = 0; shift < 27; shift += 9)
        if (((words[block + ((probes >>> shift) & 15)] ?? 0) & (1 << ((probes >>> (shift + 4)) & 31))) === 0)
          return false
    }
    return true
  }

  #block(bytes: Buffer, at: number): number {
    return Math.floor((bytes.readUInt32LE(at + 4) / 2 ** 32) * this.#blocks) * BLOCK_WORDS
  }
}
