/** Adds a member to the bit set, 32 members a word, that begins at `row`. */
export function addBit(bits: Int32Array, row: number, member: number): void {
  const word = row + (member >>> 5)
  bits[word] = (bits[word] ?? 0) | (1 << (member & 31))
}

/** Lists of few members each, to be put into bit sets or taken out of them at the cost of the words that they touch. */
export class BitLists {
  /** Where each list begins in `#cells`. */
  readonly #starts: Int32Array
  /** Words and the bits in them; -1 ends a list. */
  readonly #cells: Int32Array

  constructor(lists: readonly (readonly number[])[]) {
    this.#starts = new Int32Array(lists.length)
    const cells = [-1]
    for (const [list, members] of lists.entries()) {
      // The empty list is where the first cell ends it.
      if (members.length === 0) continue
      this.#starts[list] = cells.length
      const words = new Map<number, number>()
      for (const member of members)
        words.set(member >>> 5, (words.get(member >>> 5) ?? 0) | (1 << (member & 31)))
      for (const [word, bits] of words) cells.push(word, bits)
      cells.push(-1)
    }
    this.#cells = Int32Array.from(cells)
  }

  /** Puts the members of a list into the bit set that begins at `row`. */
  add(list: number, bits: Int32Array, row: number): void {
    const cells = this.#cells
    for (let at = this.#starts[list] ?? 0; ; at += 2) {
      const word = cells[at] ?? -1
      if (word < 0) return
      bits[row + word] = (bits[row + word] ?? 0) | (cells[at + 1] ?? 0)
    }
  }

  /** Takes the members of a list out of it. */
  remove(list: number, bits: Int32Array, row: number): void {
    const cells = this.#cells
    for (let at = this.#starts[list] ?? 0; ; at += 2) {
      const word = cells[at] ?? -1
      if (word < 0) return
      bits[row + word] = (bits[row + word] ?? 0) & ~(cells[at + 1] ?? 0)
    }
  }
}
