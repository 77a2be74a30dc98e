import { lowerAscii } from './requirement.js'

/**
 * The automaton of A. Aho and M. Corasick (1975) over texts, ASCII case ignored: its state after each byte of a value is the longest beginning of a text that the
 * value read so far ends with. It is complete, one table look-up per byte whatever the texts. To read a value:
 *
 *     cell = next[state + columns[byte]]; state = cell < 0 ? ~cell : cell
 *
 * A state is the offset of its row, the first is 0; a cell is negative when some text ends with the step. State divided by `width` is its number.
 */
export class AhoCorasick {
  /** Each once, in lower case. */
  readonly texts: readonly string[]
  /** Column of each byte; bytes that are in no text share column 0. */
  readonly columns = new Uint8Array(256)
  /** Cells of a row. */
  readonly width: number
  readonly next: Int32Array
  /** By number of a state: indices of the texts that end there, the longest first. */
  readonly endings: readonly (readonly number[])[]

  /** Texts may not be empty. */
  constructor(texts: Iterable<string>) {
    this.texts = [...new Set(Array.from(texts, lowerAscii))]
    this.width = this.#assignColumns()
    const { next, ends } = this.#grow()
    this.next = next
    this.endings = this.#link(ends)
    for (const [cell, state] of next.entries())
      if (this.endings[state / this.width]?.length !== 0) next[cell] = ~state
  }

  #assignColumns(): number {
    const { columns } = this
    let width = 1
    for (const text of this.texts) {
      for (let at = 0; at < text.length; at++) {
        const byte = text.charCodeAt(at) & 255
        if (columns[byte] === 0) columns[byte] = width++
      }
    }
    for (let upper = 65; upper <= 90; upper++) columns[upper] = columns[upper + 32] ?? 0
    return width
  }

  /** The tree of the texts, 0 where a state has no child, and the state in which each text ends. */
  #grow(): { readonly next: Int32Array; readonly ends: readonly number[] } {
    const { texts, columns, width } = this
    const most = texts.reduce((sum, text) => sum + text.length, 1)
    const next = new Int32Array(most * width)
    const ends: number[] = []
    let free = width
    for (const text of texts) {
      let state = 0
      for (let at = 0; at < text.length; at++) {
        const cell = state + (columns[text.charCodeAt(at) & 255] ?? 0)
        if (next[cell] === 0) {
          next[cell] = free
          free += width
        }
        state = next[cell] ?? 0
      }
      ends.push(state)
    }
    return { next: next.slice(0, free), ends }
  }

  /** Folds the failure links into the table: where a state has no child it goes where its longest proper suffix goes. Gives the endings. */
  #link(ends: readonly number[]): readonly (readonly number[])[] {
    const { next, width } = this
    const states = next.length / width
    const endings = Array.from({ length: states }, (): readonly number[] => [])
    for (const [index, state] of ends.entries()) endings[state / width] = [index]
    const suffix = new Int32Array(states)
    // Breadth first: what a state takes over from its suffix is complete.
    const queue = [0]
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] ?? 0
      const fallback = suffix[state / width] ?? 0
      const inherited = endings[fallback / width] ?? []
      if (state !== 0 && inherited.length > 0)
        endings[state / width] = [...(endings[state / width] ?? []), ...inherited]
      for (let column = 1; column < width; column++) {
        const child = next[state + column] ?? 0
        const other = state === 0 ? 0 : (next[fallback + column] ?? 0)
        if (child === 0) next[state + column] = other
        else {
          suffix[child / width] = other
          queue.push(child)
        }
      }
    }
    return endings
  }
}
