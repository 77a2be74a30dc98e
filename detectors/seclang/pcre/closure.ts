import { context, holds } from './assertions.js'
import { op } from './program.js'
import type { Program } from './program.js'

/** Result of following the steps that consume nothing. */
export interface Reached {
  readonly matched: boolean
  /** Instructions that wait: for a byte, or for what only the next byte tells. */
  readonly positions: Int32Array
}

/** Follows, from a set of instructions, every step that consumes no byte. Work is bounded by the size of the program. */
export class Closure {
  readonly #program: Program
  /** By instruction, the walk that saw it last: a number of more than 32 bits, for walks are one per byte and a gateway runs for months. */
  readonly #seen: Float64Array
  #generation = 0
  #stack: number[] = []

  constructor(program: Program) {
    this.#program = program
    this.#seen = new Float64Array(program.code.length)
  }

  /** Goes as far as the context behind the position tells; assertions and look-arounds stay pending. */
  expand(targets: Iterable<number>, before: number): Reached {
    return this.#walk(targets, before, undefined, 0)
  }

  /** Goes all the way: the next byte (-1: the end) and the answers of the look-arounds are known. */
  resolve(targets: Iterable<number>, before: number, next: number, mask: number): Reached {
    return this.#walk(targets, before, next, mask)
  }

  #walk(targets: Iterable<number>, before: number, next: number | undefined, mask: number): Reached {
    const { code, x, y, assertions } = this.#program
    this.#generation += 1
    const found: number[] = []
    const stack = this.#stack
    stack.length = 0
    for (const target of targets) stack.push(target)
    let matched = false
    while (stack.length > 0) {
      const at = stack.pop() ?? 0
      if (this.#seen[at] === this.#generation) continue
      this.#seen[at] = this.#generation
      switch (code[at]) {
        case op.match:
          matched = true
          break
        case op.split:
          stack.push(y[at] ?? 0, x[at] ?? 0)
          break
        case op.jump:
          stack.push(x[at] ?? 0)
          break
        case op.save:
          stack.push(at + 1)
          break
        case op.assert: {
          const what = assertions[x[at] ?? 0] ?? 'start'
          if (next !== undefined) {
            if (holds(what, before, next)) stack.push(at + 1)
            // A lost anchor is lost for good: without this an anchored pattern would read on to the end.
          } else if (what !== 'start' || (before & context.atStart) !== 0) found.push(at)
          break
        }
        case op.oracle:
          if (next === undefined) found.push(at)
          else if (((mask >>> (x[at] ?? 0)) & 1) !== (y[at] ?? 0)) stack.push(at + 1)
          break
        default:
          found.push(at)
      }
    }
    return { matched, positions: Int32Array.from(found) }
  }
}
