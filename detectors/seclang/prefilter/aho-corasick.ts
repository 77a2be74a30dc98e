/**
 * The automaton of A. Aho and M. Corasick (1975): its state after each byte of a value is the longest beginning of a text that the value read so far ends with. It is
 * complete, one table look-up per byte whatever the texts. Bytes of one column are the same to it. To read a value:
 *
 *     cell = next[state + columns[byte]]; state = cell < 0 ? ~cell : cell
 *
 * A state is the offset of its row, the first is 0; a cell is negative when some text ends with the step. State divided by `width` is its number; states are numbered
 * by their depth, so that the rows that most values keep to are neighbours.
 */
export class AhoCorasick {
  readonly next: Int32Array
  /** By number of a state: indices of the texts that end there, the longest first. */
  readonly endings: readonly (readonly number[])[]

  /** Texts may not be empty; all columns are below `width`, and the bytes of column 0 are in no text. */
  constructor(
    texts: readonly string[],
    readonly columns: Uint8Array,
    readonly width: number,
  ) {
    const { children, ends } = growTree(texts, columns)
    const next = new Int32Array(children.length * width)
    const endings: (readonly number[])[] = []
    const suffixes = new Int32Array(children.length)
    // Breadth first: what a state takes over from its longest proper suffix is complete.
    const order = [0]
    for (let number = 0; number < order.length; number++) {
      const node = order[number] ?? 0
      const suffix = suffixes[number] ?? 0
      const own = ends.get(node)
      const inherited = number === 0 ? [] : (endings[suffix] ?? [])
      endings.push(own === undefined ? inherited : [...own, ...inherited])
      const row = number * width
      if (number > 0) next.copyWithin(row, suffix * width, (suffix + 1) * width)
      for (const [column, child] of children[node] ?? []) {
        suffixes[order.length] = (next[row + column] ?? 0) / width
        next[row + column] = order.length * width
        order.push(child)
      }
    }
    this.endings = endings
    this.next = next.map((state) => (endings[state / width]?.length === 0 ? state : ~state))
  }
}

/** The tree of the texts: children of each node by column, and the texts that end in a node. */
function growTree(
  texts: readonly string[],
  columns: Uint8Array,
): {
  readonly children: readonly ReadonlyMap<number, number>[]
  readonly ends: ReadonlyMap<number, readonly number[]>
} {
  const children = [new Map<number, number>()]
  const ends = new Map<number, number[]>()
  for (const [index, text] of texts.entries()) {
    let node = 0
    for (let at = 0; at < text.length; at++) {
      const column = columns[text.charCodeAt(at) & 255] ?? 0
      let child = children[node]?.get(column)
      if (child === undefined) {
        child = children.push(new Map()) - 1
        children[node]?.set(column, child)
      }
      node = child
    }
    const others = ends.get(node)
    if (others === undefined) ends.set(node, [index])
    else others.push(index)
  }
  return { children, ends }
}

/** Columns for texts in lower case that take a letter in either case: the most common bytes have one of their own, the rest share the last of `most`. */
export function caselessColumns(
  texts: readonly string[],
  most = 256,
): { readonly columns: Uint8Array; readonly width: number } {
  const counts = new Map<number, number>()
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) {
      const byte = text.charCodeAt(at) & 255
      counts.set(byte, (counts.get(byte) ?? 0) + 1)
    }
  }
  const columns = new Uint8Array(256)
  const common = [...counts].toSorted(([, a], [, b]) => b - a)
  for (const [index, [byte]] of common.entries()) columns[byte] = Math.min(index + 1, most - 1)
  for (let upper = 65; upper <= 90; upper++) columns[upper] = columns[upper + 32] ?? 0
  return { columns, width: Math.min(common.length + 1, most) }
}
