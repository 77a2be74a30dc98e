import { AhoCorasick, caselessColumns } from './aho-corasick.js'
import type { LiteralSet } from './literal-sets.js'

/** Columns of the table; rare bytes share the last, so a literal that only looks like one in the value may be found too. */
const maxColumns = 64

/** Looks, in one pass over a value, for the literals of many members: linear in the value, whatever the literals. */
export class Literals {
  readonly #automaton: AhoCorasick
  /** Members that need no literal. */
  readonly #free: Int32Array
  /** By number of a state: where in `#members` its list begins. */
  readonly #lists: Int32Array
  /** Lists of the members whose literals end with a state, as words and bits of a bit set; -1 ends a list. */
  readonly #members: Int32Array
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
    const { endings } = this.#automaton
    this.#lists = new Int32Array(endings.length)
    const lists: number[] = []
    for (const [state, indices] of endings.entries()) {
      if (indices.length === 0) continue
      const set = new Int32Array(words)
      for (const index of indices)
        for (const member of members.get(texts[index] ?? '') ?? []) addBit(set, 0, member)
      this.#lists[state] = lists.length
      for (const [word, bits] of set.entries()) if (bits !== 0) lists.push(word, bits)
      lists.push(-1)
    }
    this.#members = Int32Array.from(lists)
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
      this.#collect(state / width)
    }
    return found
  }

  #collect(state: number): void {
    const members = this.#members
    const found = this.#found
    for (let at = this.#lists[state] ?? 0; ; at += 2) {
      const word = members[at] ?? -1
      if (word < 0) return
      found[word] = (found[word] ?? 0) | (members[at + 1] ?? 0)
    }
  }
}

/** Adds a member to the bit set that begins at `row`. */
export function addBit(bits: Int32Array, row: number, member: number): void {
  const word = row + (member >>> 5)
  bits[word] = (bits[word] ?? 0) | (1 << (member & 31))
}
