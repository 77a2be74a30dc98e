/**
 * Phrases searched for all at once, ASCII case ignored (A. Aho and M. Corasick, 1975). The automaton is complete: one table look-up per byte of the
 * value, whatever the phrases.
 */
export class PhraseSet {
  /** Column of each byte; bytes that are in no phrase share column 0. */
  readonly #columns = new Uint8Array(256)
  readonly #width: number
  readonly #next: Int32Array
  /** Length of the longest phrase that ends in a node, 0 when none does. */
  readonly #ends: Int32Array

  constructor(phrases: Iterable<string>) {
    const lowered = [...new Set([...phrases].filter((phrase) => phrase !== '').map(lowerAscii))]
    let columns = 1
    for (const phrase of lowered) {
      for (let at = 0; at < phrase.length; at++) {
        const byte = phrase.charCodeAt(at) & 255
        if (this.#columns[byte] === 0) this.#columns[byte] = columns++
      }
    }
    for (let upper = 65; upper <= 90; upper++) this.#columns[upper] = this.#columns[upper + 32] ?? 0
    this.#width = columns
    const size = lowered.reduce((sum, phrase) => sum + phrase.length, 1)
    this.#next = new Int32Array(size * columns)
    this.#ends = new Int32Array(size)
    this.#link(this.#insert(lowered))
  }

  /** End and start of the first phrase that is completed while reading the value, or undefined. */
  find(value: string): { readonly start: number; readonly end: number } | undefined {
    const next = this.#next
    const columns = this.#columns
    const width = this.#width
    let node = 0
    for (let at = 0; at < value.length; at++) {
      node = next[node * width + (columns[value.charCodeAt(at) & 255] ?? 0)] ?? 0
      const length = this.#ends[node] ?? 0
      if (length > 0) return { start: at + 1 - length, end: at + 1 }
    }
    return undefined
  }

  /** Builds the tree of phrases; gives the number of nodes. */
  #insert(phrases: readonly string[]): number {
    let nodes = 1
    for (const phrase of phrases) {
      let node = 0
      for (let at = 0; at < phrase.length; at++) {
        const cell = node * this.#width + (this.#columns[phrase.charCodeAt(at) & 255] ?? 0)
        if (this.#next[cell] === 0) this.#next[cell] = nodes++
        node = this.#next[cell] ?? 0
      }
      this.#ends[node] = phrase.length
    }
    return nodes
  }

  /** Adds the failure links, folded into the table: where a node has no child it goes where its longest proper suffix goes. */
  #link(nodes: number): void {
    const next = this.#next
    const width = this.#width
    const suffix = new Int32Array(nodes)
    const queue: number[] = []
    for (let column = 1; column < width; column++)
      if ((next[column] ?? 0) !== 0) queue.push(next[column] ?? 0)
    for (let head = 0; head < queue.length; head++) {
      const node = queue[head] ?? 0
      const fallback = suffix[node] ?? 0
      if ((this.#ends[node] ?? 0) === 0) this.#ends[node] = this.#ends[fallback] ?? 0
      for (let column = 1; column < width; column++) {
        const child = next[node * width + column] ?? 0
        const other = next[fallback * width + column] ?? 0
        if (child === 0) next[node * width + column] = other
        else {
          suffix[child] = other
          queue.push(child)
        }
      }
    }
  }
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (run) => run.toLowerCase())
}
