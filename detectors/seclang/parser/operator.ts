import type { OperatorNode } from '../ast.js'
import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'
import { isSpace, skipSpace } from './words.js'

/** Reads the operator of a rule: `@name argument`, `!@name argument`; a text without `@` is the argument of `rx`. */
export function parseOperator(text: string, position: SourcePosition): OperatorNode {
  let at = skipSpace(text, 0)
  const negated = text[at] === '!'
  if (negated) at = skipSpace(text, at + 1)
  if (text[at] !== '@') return { name: 'rx', negated, argument: text.slice(at) }
  const from = ++at
  while (at < text.length && !isSpace(text.charCodeAt(at))) at++
  const name = text.slice(from, at)
  if (name === '') throw new SecLangError('SECLANG_SYNTAX', 'an operator name is missing after @', position)
  return { name, negated, argument: text.slice(skipSpace(text, at)) }
}
