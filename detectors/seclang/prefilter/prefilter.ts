import { addBit, Literals } from './literals.js'
import { admitsMask } from './requirement.js'
import type { Requirement } from './requirement.js'

/** Masks whose candidates are remembered; a power of two. */
const slots = 512
/** Lengths from this on count as one. */
const longest = 64

/**
 * Says of many members at once which of them a value can match at all: the first that a value is asked, before any operator runs. By mask and length it takes two
 * look-ups; the value is read only when members are left that need a literal. Nothing is allocated per value.
 */
export class Prefilter {
  /** Words of a bit set: 32 members each. */
  readonly words: number
  readonly #requirements: readonly Requirement[]
  readonly #masks = new Int32Array(slots)
  /** Of each remembered mask: the members that it admits, then those of them that need a literal. */
  readonly #byMask: Int32Array
  readonly #byLength: Int32Array
  readonly #literals: Literals
  readonly #candidates: Int32Array

  constructor(requirements: readonly Requirement[]) {
    this.#requirements = requirements
    this.words = (requirements.length + 31) >>> 5
    const { words } = this
    this.#candidates = new Int32Array(words)
    this.#byMask = new Int32Array(slots * words * 2)
    // Every slot begins as that of mask 0, which its key says.
    this.#fill(0, 0)
    for (let slot = 1; slot < slots; slot++) this.#byMask.copyWithin(slot * words * 2, 0, words * 2)
    this.#byLength = new Int32Array((longest + 1) * words)
    for (const [member, { minLength, maxLength }] of requirements.entries()) {
      for (let length = Math.min(minLength, longest); length <= Math.min(maxLength, longest); length++)
        addBit(this.#byLength, length * words, member)
    }
    this.#literals = new Literals(requirements.map(({ literals }) => literals))
  }

  /**
   * Bit set of the members that a value can match, `mask` being `maskOf(value)`: member `i` is bit `i & 31` of word `i >>> 5`. All others cannot. Valid until the
   * next call.
   */
  candidates(value: string, mask: number): Int32Array {
    const candidates = this.#candidates
    const byMask = this.#rowOf(mask)
    const byLength = Math.min(value.length, longest) * this.words
    let needy = 0
    for (let word = 0; word < candidates.length; word++) {
      const bits = (this.#byMask[byMask + word] ?? 0) & (this.#byLength[byLength + word] ?? 0)
      candidates[word] = bits
      needy |= bits & (this.#byMask[byMask + candidates.length + word] ?? 0)
    }
    if (needy === 0) return candidates
    const found = this.#literals.scan(value)
    for (let word = 0; word < candidates.length; word++) {
      const missing = (this.#byMask[byMask + candidates.length + word] ?? 0) & ~(found[word] ?? 0)
      candidates[word] = (candidates[word] ?? 0) & ~missing
    }
    return candidates
  }

  #rowOf(mask: number): number {
    const slot = Math.imul(mask, 0x9e3779b1) >>> 23
    if (this.#masks[slot] !== mask) this.#fill(slot, mask)
    return slot * this.words * 2
  }

  #fill(slot: number, mask: number): void {
    this.#masks[slot] = mask
    const row = slot * this.words * 2
    this.#byMask.fill(0, row, row + this.words * 2)
    for (const [member, requirement] of this.#requirements.entries()) {
      if (!admitsMask(requirement, mask)) continue
      addBit(this.#byMask, row, member)
      const { literals, instead } = requirement
      if (literals !== undefined && (mask & instead) === 0) addBit(this.#byMask, row + this.words, member)
    }
  }
}
