import { SecLangError } from '../errors.js'
import type { OperatorLoadContext, OperatorRun } from '../operator.js'
import { noRequirement } from '../prefilter/index.js'
import type { Requirement } from '../prefilter/index.js'
import { compilePattern } from '../pcre/index.js'
import type { CompiledPattern } from '../pcre/index.js'
import { DynamicCache } from './dynamic.js'
import { hasMacro } from './text-argument.js'

/** The pattern of an operator. */
export interface PatternArgument {
  /** Gives the pattern for a run; undefined when expanded macros make none that can be honoured. */
  (run: OperatorRun): CompiledPattern | undefined
  /** What a value must hold to match, whatever the run. */
  readonly requires: Requirement
}

/** Name under which a verdict shows that a pattern saw only part of a value. */
export const regexInput = 'regex_input'
/** Name under which a verdict shows that a pattern made from macros could not be compiled. */
export const regexPattern = 'regex_pattern'

/** Prepares the pattern of `@rx` and its kin: compiled while rules are loaded, or at run when it holds macros. */
export function patternArgument(argument: string, context: OperatorLoadContext): PatternArgument {
  if (!hasMacro(argument)) {
    const pattern = compilePattern(argument, context.position)
    return Object.assign(() => pattern, { requires: pattern.requires })
  }
  const cache = new DynamicCache((text): CompiledPattern | null => {
    try {
      return compilePattern(text, context.position)
    } catch (error) {
      if (error instanceof SecLangError) return null
      throw error
    }
  })
  const expanded = (run: OperatorRun): CompiledPattern | undefined => {
    const pattern = cache.get(run.expand(argument))
    if (pattern !== null) return pattern
    run.truncate(regexPattern)
    return undefined
  }
  return Object.assign(expanded, { requires: noRequirement })
}

/** The part of a value that a pattern may see; what is cut off is reported. */
export function visible(pattern: CompiledPattern, value: string, run: OperatorRun): string {
  if (pattern.bound === undefined || value.length <= pattern.bound) return value
  run.truncate(regexInput)
  return value.slice(0, pattern.bound)
}
