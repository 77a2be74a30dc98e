import type { OperatorLoadContext, OperatorRun } from './operator.js'
import type { TextPattern } from './exclusions.js'
import { SecLangError } from './errors.js'
import { compilePattern } from './pcre/index.js'

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

/** In lower case, what a text begins with that such a pattern matches; empty when nothing is known. */
export function namePrefix(source: string): string {
  const [, word = '', next = ''] = /^\^([\w-]+)(.?)/.exec(source) ?? []
  if (source.includes('|')) return ''
  return ('*?{'.includes(next) && next !== '' ? word.slice(0, -1) : word).toLowerCase()
}

/**
 * A pattern of a selector, a tag or a message, matched without regard to case. Throws `SecLangError` for one that would see only a part of a
 * long name: what it leaves out could not be told.
 */
export function namePattern(source: string, { position }: OperatorLoadContext): TextPattern {
  const pattern = compilePattern(`(?i)${source}`, position)
  const { bound, requires } = pattern
  if (bound !== undefined) {
    const message = `pattern "${source}" of names sees ${bound} bytes only: back-references and atomic groups are not supported here`
    throw new SecLangError('SECLANG_PATTERN', message, position)
  }
  // A plain word, most often where names begin: comparing says the same at a fraction of the cost.
  const [, anchor, word] = /^(\^?)([\w-]+)$/.exec(source) ?? []
  if (word !== undefined) {
    const lower = word.toLowerCase()
    return anchor === '^'
      ? (text) => text.length >= lower.length && text.toLowerCase().startsWith(lower)
      : (text) => text.length >= lower.length && text.toLowerCase().includes(lower)
  }
  const { minLength, maxLength } = requires
  return (text) => text.length >= minLength && text.length <= maxLength && pattern.test(text)
}
