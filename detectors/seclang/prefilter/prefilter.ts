import { addBit } from './bit-lists.js'
import { BitSets } from './bit-sets.js'
import { Literals } from './literals.js'
import { MaskTable } from './mask-table.js'
import type { Requirement } from './requirement.js'

/** Lengths from this on count as one. */
const longest = 64

/**
 * Says of many members at once which of them a value can match at all: the first that a value is asked, before any operator runs. By mask and length it takes two
 * look-ups; the value is read only when members are left that need a literal. Next to nothing is allocated per value.
 */
export class Prefilter {
  /** Words of a bit set: 32 members each. */
  readonly words: number
  readonly #byMask: MaskTable
  readonly #byLength: Int32Array
  readonly #literals: Literals
  readonly #candidates: Int32Array
  readonly #sets = new BitSets()

  constructor(requirements: readonly Requirement[]) {
    this.words = (requirements.length + 31) >>> 5
    this.#candidates = new Int32Array(this.words)
    this.#byMask = new MaskTable(requirements)
    this.#byLength = new Int32Array((longest + 1) * this.words)
    for (const [member, { minLength, maxLength }] of requirements.entries()) {
      for (let length = Math.min(minLength, longest); length <= Math.min(maxLength, longest); length++)
        addBit(this.#byLength, length * this.words, member)
    }
    this.#literals = new Literals(requirements.map(({ literals }) => literals))
  }

  /**
   * Bit set of the members that a value can match, `mask` being `maskOf(value)`: member `i` is bit `i & 31` of word `i >>> 5`. All others cannot. Not to be
   * changed.
   */
  candidates(value: string, mask: number): Int32Array {
    const candidates = this.#candidates
    const words = candidates.length
    const admitted = this.#byMask.rowOf(mask)
    const { rows } = this.#byMask
    const byLength = Math.min(value.length, longest) * words
    let open = 0
    for (let word = 0; word < words; word++) {
      const bits = (rows[admitted + word] ?? 0) & (this.#byLength[byLength + word] ?? 0)
      candidates[word] = bits
      open |= bits & (rows[admitted + words + word] ?? 0)
    }
    if (open === 0) return this.#sets.of(candidates)
    const found = this.#literals.scan(value)
    for (let word = 0; word < words; word++) {
      const missing = (rows[admitted + words + word] ?? 0) & ~(found[word] ?? 0)
      candidates[word] = (candidates[word] ?? 0) & ~missing
    }
    return this.#sets.of(candidates)
  }
}
