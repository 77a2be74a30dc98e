import type { Requirement } from '../prefilter/index.js'
import type { TransformationChain } from '../transformation-chain.js'
import { type Changes, changesOf, lengthens, touches, touchesBeyondCase } from '../transformations/changes.js'

let count = 0

/** Rules that read a value, by the transformations that they judge it after: a tree of chains with common beginnings. */
export class Readers {
  readonly number = count++
  readonly children: Readers[] = []
  /** Bits of the rules that judge the value as it is here. */
  readonly here: Int32Array
  /** Those, and the bits of all rules further down. */
  readonly all: Int32Array
  /** What the transformation that leads here does. */
  readonly changes: Changes | undefined
  /** Byte classes of which a value must hold one to be changed by the transformation that leads here; undefined when it may change any. */
  readonly touches: number | undefined
  /** The same of it and all transformations further down, where the case of letters is no change. */
  caseless: number | undefined
  /** Byte classes that make a difference to where a value that has come here goes on, and who can match it. */
  relevant = 0
  /** Fewest bytes of a value that one of these rules can match after its transformations. */
  least = Infinity

  /** @param chain where this node stands in the tree; undefined for the root, which is the value itself */
  constructor(
    readonly words: number,
    readonly chain?: TransformationChain,
  ) {
    this.here = new Int32Array(words)
    this.all = new Int32Array(words)
    this.changes = chain === undefined ? [] : changesOf(chain.name)
    this.touches = touches(this.changes)
    this.caseless = touchesBeyondCase(this.changes)
  }

  /** Lets rule `bit`, whose operator has this requirement, judge the value after `chain`; with `stages`, also after each beginning of it. */
  add(bit: number, chain: TransformationChain, stages: boolean, requirement: Requirement): void {
    this.#add(bit, chain.steps, stages, requirement)
  }

  /** Sums up what stands below each node; to be called once, when all rules are in. */
  close(): void {
    for (const child of this.children) {
      child.close()
      this.caseless = joined(this.caseless, child.caseless)
      this.relevant |= child.relevant | (child.touches ?? 0)
      this.least = Math.min(this.least, child.least)
    }
    if (this.chain !== undefined && lengthens(this.chain.name)) this.least = 0
  }

  #add(
    bit: number,
    [next, ...rest]: readonly TransformationChain[],
    stages: boolean,
    requirement: Requirement,
  ): void {
    set(this.all, bit)
    if (next === undefined || stages) {
      set(this.here, bit)
      this.least = Math.min(this.least, requirement.minLength)
      for (const classes of requirement.someOf) this.relevant |= classes
    }
    if (next !== undefined) this.#child(next).#add(bit, rest, stages, requirement)
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
