import type { OperatorLoadContext, OperatorRun } from './operator.js'
import { operatorFactory } from './operators/index.js'
import type { TextPattern } from './exclusions.js'
import { SecLangError } from './errors.js'
import { noRequirement } from './prefilter/index.js'

/** For operators that judge outside of a transaction: nothing is captured, expanded or cut. */
export const PLAIN_RUN: OperatorRun = {
  capturing: false,
  setCapture: () => undefined,
  locating: false,
  matchedAt: () => undefined,
  expand: (template) => template,
  truncate: () => undefined,
  setGeo: () => undefined,
}

/** A pattern of a selector, a tag or a message, matched without regard to case, by the same engine as `@rx`. */
export function namePattern(pattern: string, context: OperatorLoadContext): TextPattern {
  const factory = operatorFactory('rx')
  if (factory === undefined) {
    throw new SecLangError('SECLANG_UNKNOWN_OPERATOR', 'there is no operator rx', context.position)
  }
  const matches = factory(`(?i)${pattern}`, context)
  const { minLength, maxLength } = matches.requires ?? noRequirement
  return (text) => text.length >= minLength && text.length <= maxLength && matches(text, PLAIN_RUN)
}
