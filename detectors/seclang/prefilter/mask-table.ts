import { addBit, BitLists } from './bit-lists.js'
import type { Requirement } from './requirement.js'

/** Masks that are remembered; a power of two. */
const slots = 1024

/** A mask that requirements name, each once, and the members that name it. */
class Conditions {
  readonly masks: Int32Array
  readonly members: BitLists

  constructor(named: Iterable<readonly [mask: number, member: number]>) {
    const members = new Map<number, number[]>()
    for (const [mask, member] of named) {
      const others = members.get(mask)
      if (others === undefined) members.set(mask, [member])
      else others.push(member)
    }
    this.masks = Int32Array.from(members.keys())
    this.members = new BitLists([...members.values()])
  }
}

/** What requirements say of the masks of values: which members admit a mask, and which of them need a literal nevertheless. */
export class MaskTable {
  /** Rows of two bit sets: the members that admit a mask, then those that need a literal. */
  readonly rows: Int32Array
  readonly #words: number
  /** The mask of each row. */
  readonly #masks = new Int32Array(slots)
  /** The row as it is before its mask is looked at. */
  readonly #first: Int32Array
  readonly #someOf: Conditions
  readonly #within: Conditions
  readonly #instead: Conditions

  constructor(requirements: readonly Requirement[]) {
    const words = (requirements.length + 31) >>> 5
    this.#words = words
    this.rows = new Int32Array(slots * words * 2)
    this.#first = new Int32Array(words * 2)
    for (const [member, { literals }] of requirements.entries()) {
      addBit(this.#first, 0, member)
      if (literals !== undefined) addBit(this.#first, words, member)
    }
    const members = [...requirements.entries()]
    this.#someOf = new Conditions(
      members.flatMap(([member, { someOf }]) => someOf.map((mask) => [mask, member] as const)),
    )
    this.#within = new Conditions(members.map(([member, { within }]) => [within, member]))
    this.#instead = new Conditions(members.map(([member, { instead }]) => [instead, member]))
    // Every row begins as that of mask 0, which its key says.
    this.#fill(0, 0)
    for (let slot = 1; slot < slots; slot++) this.rows.copyWithin(slot * words * 2, 0, words * 2)
  }

  /** Offset of the row of a mask; valid until the next call. */
  rowOf(mask: number): number {
    // The ten highest bits of the product.
    const slot = Math.imul(mask, 0x9e3779b1) >>> 22
    if (this.#masks[slot] !== mask) this.#fill(slot, mask)
    return slot * this.#words * 2
  }

  #fill(slot: number, mask: number): void {
    this.#masks[slot] = mask
    const { rows } = this
    const words = this.#words
    const row = slot * words * 2
    rows.set(this.#first, row)
    const { masks: someOf } = this.#someOf
    for (let at = 0; at < someOf.length; at++)
      if ((mask & (someOf[at] ?? 0)) === 0) this.#someOf.members.remove(at, rows, row)
    const { masks: within } = this.#within
    for (let at = 0; at < within.length; at++)
      if ((mask & ~(within[at] ?? 0)) !== 0) this.#within.members.remove(at, rows, row)
    const { masks: instead } = this.#instead
    for (let at = 0; at < instead.length; at++)
      if ((mask & (instead[at] ?? 0)) !== 0) this.#instead.members.remove(at, rows, row + words)
  }
}
