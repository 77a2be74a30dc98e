import type { Assertion } from './ast.js'
import type { ByteSet } from './byte-set.js'

/** Operations of the automaton; plain numbers so that the hot loops compare small integers. */
export const op = { byte: 0, split: 1, jump: 2, save: 3, assert: 4, oracle: 5, match: 6 } as const

/**
 * A pattern as a Thompson automaton (K. Thompson, 1968). `x` and `y` hold: for `byte` the index of its set; for `split` the preferred and the
 * other target; for `jump` the target; for `save` the slot; for `assert` the index of its assertion; for `oracle` its number and, in `y`, 1 when negated.
 */
export interface Program {
  readonly code: Uint8Array
  readonly x: Int32Array
  readonly y: Int32Array
  readonly sets: readonly ByteSet[]
  readonly assertions: readonly Assertion[]
  /** Capture slots, two per group, the whole match first. */
  readonly slots: number
  /** Look-arounds that the program asks about, in order. */
  readonly oracles: number
}
