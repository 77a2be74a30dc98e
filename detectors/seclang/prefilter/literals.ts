import { AhoCorasick } from './aho-corasick.js'
import type { LiteralSet } from './literal-sets.js'

/** Looks, in one pass over a value, for the literals of many members: linear in the value, whatever the literals. */
export class Literals {
  readonly #automaton: AhoCorasick
  readonly #words: number
  /** Members that need no literal. */
  readonly #free: Int32Array
  /** By number of a state: where the members that its literals stand for begin in `#members`. */
  readonly #rows: Int32Array
  readonly #members: Int32Array
  readonly #found: Int32Array

  /** Member `i` wants one of `wanted[i]`, or nothing. */
  constructor(wanted: readonly (LiteralSet | undefined)[]) {
    this.#words = (wanted.length + 31) >>> 5
    this.#found = new Int32Array(this.#words)
    this.#free = new Int32Array(this.#words)
    const members = new Map<string, number[]>()
    for (const [member, literals] of wanted.entries()) {
      if (literals === undefined) addBit(this.#free, 0, member)
      for (const literal of literals ?? []) {
        const others = members.get(literal)
        if (others === undefined) members.set(literal, [member])
        else others.push(member)
      }
    }
    const automaton = new AhoCorasick(members.keys())
    this.#automaton = automaton
    this.#rows = new Int32Array(automaton.endings.length)
    const rows = automaton.endings.filter(({ length }) => length > 0)
    this.#members = new Int32Array((rows.length + 1) * this.#words)
    let row = 0
    for (const [state, endings] of automaton.endings.entries()) {
      if (endings.length === 0) continue
      row += this.#words
      this.#rows[state] = row
      for (const index of endings)
        for (const member of members.get(automaton.texts[index] ?? '') ?? [])
          addBit(this.#members, row, member)
    }
  }

  /** Bit set, 32 members a word, of those whose literals the value holds and of those that need none. Valid until the next call. */
  scan(value: string): Int32Array {
    const found = this.#found
    found.set(this.#free)
    const { next, columns, width } = this.#automaton
    let state = 0
    for (let at = 0; at < value.length; at++) {
      state = next[state + (columns[value.charCodeAt(at) & 255] ?? 0)] ?? 0
      if (state >= 0) continue
      state = ~state
      const row = this.#rows[state / width] ?? 0
      for (let word = 0; word < found.length; word++)
        found[word] = (found[word] ?? 0) | (this.#members[row + word] ?? 0)
    }
    return found
  }
}

/** Adds a member to the bit set that begins at `row`. */
export function addBit(bits: Int32Array, row: number, member: number): void {
  const word = row + (member >>> 5)
  bits[word] = (bits[word] ?? 0) | (1 << (member & 31))
}
