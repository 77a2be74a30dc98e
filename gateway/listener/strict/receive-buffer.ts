const EMPTY = Buffer.alloc(0)

/**
 * Bytes that were received and not yet used: mostly one piece as the socket gave it, which is not copied. Bytes before
 * `start` belong to whoever took them and are never written again.
 */
export class ReceiveBuffer {
  bytes: Buffer = EMPTY
  start = 0
  end = 0
  /** The bytes are somebody else's. */
  #lent = false

  get length(): number {
    return this.end - this.start
  }

  append(chunk: Buffer): void {
    if (this.start === this.end) {
      this.bytes = chunk
      this.start = 0
      this.end = chunk.length
      this.#lent = false
      return
    }
    if (this.end + chunk.length > this.bytes.length) this.#grow(chunk.length)
    chunk.copy(this.bytes, this.end)
    this.end += chunk.length
  }

  /** Takes the first bytes of a memory, lent until `keep` is called. There must be no others. */
  lend(memory: Buffer, length: number): void {
    this.bytes = memory
    this.start = 0
    this.end = length
    this.#lent = true
  }

  /** Makes what is left of lent bytes its own. */
  keep(): void {
    if (!this.#lent) return
    this.#lent = false
    if (this.start === this.end) return
    this.bytes = Buffer.from(this.bytes.subarray(this.start, this.end))
    this.end -= this.start
    this.start = 0
  }

  /** The next `count` bytes are used. */
  take(count: number): void {
    this.start += count
    if (this.start === this.end) this.clear()
  }

  clear(): void {
    this.bytes = EMPTY
    this.start = 0
    this.end = 0
  }

  /** Doubles, so that many small pieces are copied a bounded number of times. */
  #grow(more: number): void {
    const { length } = this
    const grown = Buffer.allocUnsafe(Math.max(2 * length, length + more))
    this.bytes.copy(grown, 0, this.start, this.end)
    this.bytes = grown
    this.start = 0
    this.end = length
  }
}
