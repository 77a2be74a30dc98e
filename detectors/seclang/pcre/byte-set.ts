/** A set of bytes, 0 to 255. Immutable by convention once it stands in a syntax tree. */
export class ByteSet {
  readonly #bits = new Uint32Array(8)

  static of(...bytes: number[]): ByteSet {
    const set = new ByteSet()
    for (const byte of bytes) set.add(byte)
    return set
  }

  static range(from: number, to: number): ByteSet {
    const set = new ByteSet()
    set.addRange(from, to)
    return set
  }

  /** Set of the bytes of a byte string. */
  static chars(text: string): ByteSet {
    const set = new ByteSet()
    for (let at = 0; at < text.length; at++) set.add(text.charCodeAt(at))
    return set
  }

  add(byte: number): void {
    this.#bits[byte >>> 5] = (this.#bits[byte >>> 5] ?? 0) | (1 << (byte & 31))
  }

  addRange(from: number, to: number): void {
    for (let byte = from; byte <= to; byte++) this.add(byte)
  }

  addAll(other: ByteSet): void {
    for (let word = 0; word < 8; word++) this.#bits[word] = (this.#bits[word] ?? 0) | (other.#bits[word] ?? 0)
  }

  has(byte: number): boolean {
    return ((this.#bits[byte >>> 5] ?? 0) & (1 << (byte & 31))) !== 0
  }

  complement(): ByteSet {
    const set = new ByteSet()
    for (let word = 0; word < 8; word++) set.#bits[word] = ~(this.#bits[word] ?? 0)
    return set
  }

  /** The set with the other case of each ASCII letter in it. */
  withBothCases(): ByteSet {
    const set = new ByteSet()
    set.addAll(this)
    for (let upper = 65; upper <= 90; upper++) {
      if (this.has(upper)) set.add(upper + 32)
      if (this.has(upper + 32)) set.add(upper)
    }
    return set
  }

  intersects(other: ByteSet): boolean {
    for (let word = 0; word < 8; word++)
      if (((this.#bits[word] ?? 0) & (other.#bits[word] ?? 0)) !== 0) return true
    return false
  }

  /** Stable text of the content, to compare sets by. */
  get key(): string {
    return this.#bits.join()
  }

  /** The bytes, ascending. */
  get bytes(): readonly number[] {
    const bytes: number[] = []
    for (let word = 0; word < 8; word++)
      for (let bits = this.#bits[word] ?? 0; bits !== 0; bits &= bits - 1)
        bytes.push(word * 32 + 31 - Math.clz32(bits & -bits))
    return bytes
  }
}
