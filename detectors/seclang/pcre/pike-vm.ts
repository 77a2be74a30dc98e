import { context, contextAfter, holds } from './assertions.js'
import type { ByteSet } from './byte-set.js'
import type { OracleMasks } from './lazy-dfa.js'
import { op } from './program.js'
import type { Program } from './program.js'

/** Start and end of each group, -1 when it took no part; the whole match first. */
export type Groups = Int32Array

interface Thread {
  readonly at: number
  readonly groups: Groups
}

/**
 * Finds the match that Perl would find, with its groups, by running all alternatives side by side in order of preference (R. Pike's method): time is
 * bounded by program size times value length.
 */
export class PikeVm {
  readonly #program: Program
  /** Bytes that a match can begin with; undefined when it may be empty or asks about its surroundings. */
  readonly #firsts: ByteSet | undefined
  /** True when a match can begin at the start of the value only. */
  readonly #anchored: boolean
  /** By instruction, the walk that saw it last: a number of more than 32 bits, for walks are one per byte and a gateway runs for months. */
  readonly #seen: Float64Array
  #generation = 0

  constructor(program: Program, firsts: ByteSet | undefined, anchored: boolean) {
    this.#program = program
    this.#anchored = anchored
    this.#firsts = firsts
    this.#seen = new Float64Array(program.code.length)
  }

  /** The leftmost match at or after `from`, or undefined. */
  exec(value: string, from: number, oracles: OracleMasks): Groups | undefined {
    const { code, x, sets } = this.#program
    const initial = new Int32Array(this.#program.slots).fill(-1)
    let current: Thread[] = []
    let best: Groups | undefined
    for (let position = from; position <= value.length; position++) {
      const byte = position < value.length ? value.charCodeAt(position) & 255 : -1
      if (current.length === 0) {
        if (best !== undefined || (this.#anchored && position > 0)) break
        if (this.#firsts !== undefined && (byte < 0 || !this.#firsts.has(byte))) continue
      }
      const before = position === 0 ? context.atStart : contextAfter(value.charCodeAt(position - 1) & 255)
      this.#generation += 1
      const next: Thread[] = []
      const ready: Thread[] = []
      let cut = false
      for (const thread of current) {
        cut = this.#follow(
          thread,
          position,
          before,
          byte,
          oracles?.[position] ?? 0,
          ready,
          (groups) => (best = groups),
        )
        if (cut) break
      }
      if (!cut && best === undefined) {
        const fresh = { at: 0, groups: initial }
        this.#follow(
          fresh,
          position,
          before,
          byte,
          oracles?.[position] ?? 0,
          ready,
          (groups) => (best = groups),
        )
      }
      for (const thread of ready) {
        if (code[thread.at] === op.byte && byte >= 0 && sets[x[thread.at] ?? 0]?.has(byte) === true) {
          next.push({ at: thread.at + 1, groups: thread.groups })
        }
      }
      current = next
      if (byte < 0) break
    }
    return best
  }

  /** Follows one thread over steps that consume nothing; returns true at a match, which cuts off all that is less preferred. */
  #follow(
    start: Thread,
    position: number,
    before: number,
    next: number,
    mask: number,
    ready: Thread[],
    found: (groups: Groups) => void,
  ): boolean {
    const { code, x, y, assertions } = this.#program
    const stack: Thread[] = [start]
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      const { at, groups } = thread
      if (this.#seen[at] === this.#generation) continue
      this.#seen[at] = this.#generation
      switch (code[at]) {
        case op.match:
          found(groups)
          return true
        case op.split:
          stack.push({ at: y[at] ?? 0, groups }, { at: x[at] ?? 0, groups })
          break
        case op.jump:
          stack.push({ at: x[at] ?? 0, groups })
          break
        case op.save: {
          const copy = groups.slice()
          copy[x[at] ?? 0] = position
          stack.push({ at: at + 1, groups: copy })
          break
        }
        case op.assert:
          if (holds(assertions[x[at] ?? 0] ?? 'start', before, next)) stack.push({ at: at + 1, groups })
          break
        case op.oracle:
          if (((mask >>> (x[at] ?? 0)) & 1) !== (y[at] ?? 0)) stack.push({ at: at + 1, groups })
          break
        default:
          ready.push(thread)
      }
    }
    return false
  }
}
