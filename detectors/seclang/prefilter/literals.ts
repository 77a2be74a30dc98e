import { AhoCorasick, caselessColumns } from './aho-corasick.js'
import { addBit, BitLists } from './bit-lists.js'
import type { LiteralSet } from './literal-sets.js'

/** Columns of the table; rare bytes share the last, so a literal that only looks like one in the value may be found too. */
const maxColumns = 64

/** Looks, in one pass over a value, for the literals of many members: linear in the value, whatever the literals. */
export class Literals {
  readonly #automaton: AhoCorasick
  /** Members that need no literal. */
  readonly #free: Int32Array
  /** By number of a state: the members whose literals end with it. */
  readonly #members: BitLists
  readonly #found: Int32Array

  /** Member `i` wants one of `wanted[i]`, or nothing. */
  constructor(wanted: readonly (LiteralSet | undefined)[]) {
    const words = (wanted.length + 31) >>> 5
    this.#found = new Int32Array(words)
    this.#free = new Int32Array(words)
    const members = new Map<string, number[]>()
    for (const [member, literals] of wanted.entries()) {
      if (literals === undefined) addBit(this.#free, 0, member)
      for (const literal of literals ?? []) {
        const others = members.get(literal)
        if (others === undefined) members.set(literal, [member])
        else others.push(member)
      }
    }
    const texts = [...members.keys()]
    const { columns, width } = caselessColumns(texts, maxColumns)
    this.#automaton = new AhoCorasick(texts, columns, width)
    this.#members = new BitLists(
      this.#automaton.endings.map((indices) =>
        indices.flatMap((index) => members.get(texts[index] ?? '') ?? []),
      ),
    )
  }

  /**
   * Bit set, 32 members a word, of those whose literals the value holds and of those that need none; a few more may be in it, none is missing. Valid until
   * the next call.
   */
  scan(value: string): Int32Array {
    const found = this.#found
    found.set(this.#free)
    const { next, columns, width } = this.#automaton
    let state = 0
    for (let at = 0; at < value.length; at++) {
      state = next[state + (columns[value.charCodeAt(at) & 255] ?? 0)] ?? 0
      if (state >= 0) continue
      state = ~state
      this.#members.add(state / width, found, 0)
    }
    return found
  }
}
