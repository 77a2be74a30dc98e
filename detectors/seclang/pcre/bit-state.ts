import { context, contextAfter, holds } from './assertions.js'
import type { ByteSet } from './byte-set.js'
import type { OracleMasks } from './lazy-dfa.js'
import type { Groups } from './pike-vm.js'
import { op } from './program.js'
import type { Program } from './program.js'

/** Pairs of an instruction and a position that one search can tell apart: 32 KiB of bits, shared by all. */
const maxPairs = 1 << 18
const seen = new Int32Array(maxPairs >>> 5)
/** What is still to be tried, in pairs: an instruction and a position, or (its complement) a slot and what it held before. */
const pending: number[] = []

/**
 * Finds what `PikeVm` finds by trying one alternative after the other, and no instruction twice at one position: what failed there once fails
 * again (R. Cox, "Regular Expression Matching in the Wild", 2010). It takes as long at worst and far less in most cases, but a bit for
 * each instruction and position: enough for the short values that most matches are found in.
 */
export class BitState {
  readonly #program: Program
  readonly #firsts: ByteSet | undefined
  readonly #anchored: boolean

  /** @param firsts as for `PikeVm`, like `anchored` */
  constructor(program: Program, firsts: ByteSet | undefined, anchored: boolean) {
    this.#program = program
    this.#firsts = firsts
    this.#anchored = anchored
  }

  /** Whether the rest of the value is short enough. */
  fits(value: string, from: number): boolean {
    return this.#program.code.length * (value.length - from + 1) <= maxPairs
  }

  /** The leftmost match at or after `from`, or undefined. For what `fits`. */
  exec(value: string, from: number, oracles: OracleMasks): Groups | undefined {
    const { code, slots } = this.#program
    seen.fill(0, 0, (code.length * (value.length - from + 1) + 31) >>> 5)
    const groups = new Int32Array(slots).fill(-1)
    const last = this.#anchored ? 0 : value.length
    for (let start = from; start <= last; start++) {
      if (this.#firsts !== undefined && !this.#startsAt(value, start)) continue
      if (this.#matchesAt(value, from, start, oracles, groups)) return groups
    }
    return undefined
  }

  #startsAt(value: string, start: number): boolean {
    return start < value.length && this.#firsts?.has(value.charCodeAt(start) & 255) === true
  }

  /** Whether a match begins at `start`; fills in its groups, and leaves them as they were when not. */
  #matchesAt(value: string, from: number, start: number, oracles: OracleMasks, groups: Groups): boolean {
    const { code, x, y, sets, assertions } = this.#program
    const width = value.length - from + 1
    let left = 0
    let at = 0
    let position = start
    for (;;) {
      const pair = at * width + position - from
      let alive = ((seen[pair >>> 5] ?? 0) & (1 << (pair & 31))) === 0
      if (alive) {
        seen[pair >>> 5] = (seen[pair >>> 5] ?? 0) | (1 << (pair & 31))
        const operand = x[at] ?? 0
        switch (code[at]) {
          case op.byte:
            alive = position < value.length && sets[operand]?.has(value.charCodeAt(position) & 255) === true
            at++
            position++
            break
          case op.split:
            pending[left++] = y[at] ?? 0
            pending[left++] = position
            at = operand
            break
          case op.jump:
            at = operand
            break
          case op.save:
            pending[left++] = ~operand
            pending[left++] = groups[operand] ?? -1
            groups[operand] = position
            at++
            break
          case op.assert:
            alive = holds(
              assertions[operand] ?? 'start',
              before(value, position),
              position < value.length ? value.charCodeAt(position) & 255 : -1,
            )
            at++
            break
          case op.oracle:
            alive = (((oracles?.[position] ?? 0) >>> operand) & 1) !== (y[at] ?? 0)
            at++
            break
          default:
            return true
        }
      }
      while (!alive) {
        if (left === 0) return false
        const held = pending[--left] ?? 0
        at = pending[--left] ?? 0
        if (at < 0) groups[~at] = held
        else {
          position = held
          alive = true
        }
      }
    }
  }
}

function before(value: string, position: number): number {
  return position === 0 ? context.atStart : contextAfter(value.charCodeAt(position - 1) & 255)
}
