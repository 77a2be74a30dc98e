import { byteClass } from '../prefilter/mask.js'
import type { TransformationChain } from '../transformation-chain.js'
import { touches } from '../transformations/touches.js'

const CASE = byteClass.lower | byteClass.upper

/** Rules that read a value, by the transformations that they judge it after: a tree of chains with common beginnings. */
export class Readers {
  readonly children: Readers[] = []
  /** Bits of the rules that judge the value as it is here. */
  readonly here: Int32Array
  /** Those, and the bits of all rules further down. */
  readonly all: Int32Array
  /** Byte classes of which a value must hold one to be changed by the transformation that leads here; undefined when it may change any. */
  readonly touches: number | undefined
  /** The same of all transformations further down. */
  below: number | undefined = 0
  /** The same of the one that leads here and all further down, where the case of letters is no change. */
  caseless: number | undefined = 0

  /** @param chain where this node stands in the tree; undefined for the root, which is the value itself */
  constructor(
    readonly words: number,
    readonly chain?: TransformationChain,
  ) {
    this.here = new Int32Array(words)
    this.all = new Int32Array(words)
    this.touches = chain === undefined ? 0 : touches(chain.name)
  }

  /** Lets rule `bit` judge the value after `chain`; with `stages`, also after each beginning of it. */
  add(bit: number, chain: TransformationChain, stages: boolean): void {
    this.#add(bit, chain.steps, stages)
  }

  /** Sums up what stands below each node; to be called once, when all rules are in. */
  close(): void {
    for (const child of this.children) {
      child.close()
      this.below = joined(this.below, joined(child.touches, child.below))
    }
    const all = joined(this.touches, this.below)
    this.caseless = all === undefined ? undefined : all & ~CASE
  }

  #add(bit: number, [next, ...rest]: readonly TransformationChain[], stages: boolean): void {
    set(this.all, bit)
    if (next === undefined || stages) set(this.here, bit)
    if (next !== undefined) this.#child(next).#add(bit, rest, stages)
  }

  #child(chain: TransformationChain): Readers {
    let child = this.children.find((known) => known.chain === chain)
    if (child === undefined) {
      child = new Readers(this.words, chain)
      this.children.push(child)
    }
    return child
  }
}

function set(bits: Int32Array, bit: number): void {
  bits[bit >> 5] = (bits[bit >> 5] ?? 0) | (1 << (bit & 31))
}

function joined(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a | b
}
