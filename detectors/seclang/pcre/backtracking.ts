import type { Pattern } from './ast.js'
import { backtrackingBound } from './backtracking-cost.js'
import { emitJs } from './emit-js.js'
import type { Groups } from './pike-vm.js'

/** A pattern that only backtracking can run, and how much of a value it may see. */
export interface BacktrackingPattern {
  readonly bound: number
  readonly test: (value: string) => boolean
  readonly exec: (value: string, from: number) => Groups | undefined
}

/** Builds a JavaScript RegExp for a tree; throws `PatternError` when its time cannot be limited or JavaScript would mean something else. */
export function buildBacktracking(pattern: Pattern): BacktrackingPattern {
  const bound = backtrackingBound(pattern.root)
  const { source, groupNumbers } = emitJs(pattern.root, pattern.groups)
  const tester = new RegExp(source)
  const finder = new RegExp(source, 'dg')
  return {
    bound,
    test: (value) => tester.test(value),
    exec: (value, from) => {
      finder.lastIndex = from
      const found = finder.exec(value)
      if (found === null) return undefined
      const groups = new Int32Array(groupNumbers.length * 2).fill(-1)
      groupNumbers.forEach((number, index) => {
        const span = found.indices?.[number]
        if (span !== undefined) groups.set(span, index * 2)
      })
      return groups
    },
  }
}
