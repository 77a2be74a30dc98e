import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'
import type { Pattern } from './ast.js'
import { buildAutomaton } from './automaton.js'
import { buildBacktracking } from './backtracking.js'
import { PatternError } from './errors.js'
import { parsePattern } from './parser.js'
import { noRequirement, patternRequirement } from '../prefilter/index.js'
import type { Requirement } from '../prefilter/index.js'
import type { Groups } from './pike-vm.js'
import { simplify } from './simplify.js'

/**
 * How the time of a pattern is known to be limited. `linear`: it runs as an automaton. `bounded`: it needs backtracking (back-references, atomic groups),
 * its cost was computed, and it sees only the first `bound` bytes of a value.
 */
export type Classification = 'linear' | 'bounded'

export interface CompiledPattern {
  readonly source: string
  readonly classification: Classification
  /** Bytes of a value that the pattern sees; only when `bounded`. */
  readonly bound?: number
  /** Number of capturing groups, the whole match not counted. */
  readonly groups: number
  /** What a value must hold to match. */
  readonly requires: Requirement
  test(value: string): boolean
  /** Start and end of each group (-1: took no part) of the leftmost match at or after `from`; the whole match is group 0. */
  exec(value: string, from?: number): Groups | undefined
}

/**
 * Compiles a pattern in PCRE syntax with the meaning that `@rx` gives it (dot matches every byte, `$` the very end only; bytes, not characters). Throws
 * `SecLangError` `SECLANG_PATTERN` for a pattern that PCRE refuses or whose time cannot be limited.
 */
export function compilePattern(source: string, position: SourcePosition): CompiledPattern {
  try {
    const parsed = parsePattern(source)
    const pattern = { ...parsed, root: simplify(parsed.root) }
    return { source, groups: pattern.groups, ...(linear(pattern) ?? bounded(pattern)) }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new SecLangError('SECLANG_PATTERN', `pattern "${source}": ${error.message}`, position, {
      cause: error,
    })
  }
}

type Runner = Omit<CompiledPattern, 'source' | 'groups'>

function linear(pattern: Pattern): Runner | undefined {
  try {
    const automaton = buildAutomaton(pattern)
    return {
      classification: 'linear',
      requires: patternRequirement(pattern.root),
      test: (value) => automaton.test(value),
      exec: (value, from = 0) => automaton.exec(value, from),
    }
  } catch (error) {
    if (error instanceof PatternError) return undefined
    throw error
  }
}

function bounded(pattern: Pattern): Runner {
  const { bound, test, exec } = buildBacktracking(pattern)
  // The cut is made here too, so that no caller can forget it.
  return {
    classification: 'bounded',
    // A long value has to be judged all the same: that it was cut must show.
    requires: noRequirement,
    bound,
    test: (value) => test(value.slice(0, bound)),
    exec: (value, from = 0) => exec(value.slice(0, bound), from),
  }
}
