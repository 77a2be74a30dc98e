import { foldSql } from './sql-fold.js'
import { sqliFingerprints } from './sqli-fingerprints.js'
import { isProse } from './sql-prose.js'
import { attackShape } from './sqli-shapes.js'
import { SqlTokenizer } from './sql-tokenizer.js'
import type { CommentStyle, Quote } from './sql-tokenizer.js'

/** Letters of a fingerprint that is looked up. */
const fingerprintLength = 8

/** Shapes that were judged before: there are few that everyday values have. */
const judged = new Map<string, boolean>()
const maxJudged = 4096
const longestJudged = 24

/** Places a value may be pasted into, and how comments read there. */
export interface SqlContext {
  readonly quote: Quote
  readonly style: CommentStyle
}

function contextsOf(quotes: readonly Quote[], styles: readonly CommentStyle[]): readonly SqlContext[] {
  return quotes.flatMap((quote) => styles.map((style) => ({ quote, style })))
}

/** By the quotes that a value has, as bits: 1 single, 2 double; then by whether MySQL's comments matter. */
const contexts = ([[''], ['', "'"], ['', '"'], ['', "'", '"']] as const).map((quotes) => [
  contextsOf(quotes, ['ansi']),
  contextsOf(quotes, ['ansi', 'mysql']),
])

/** The contexts that a value is worth reading in: quotes only when it has them, MySQL's comments only when they matter. */
export function sqlContexts(value: string): readonly SqlContext[] {
  const quotes = (value.includes("'") ? 1 : 0) + (value.includes('"') ? 2 : 0)
  const comments = value.includes('#') || value.includes('--') ? 1 : 0
  return contexts[quotes]?.[comments] ?? []
}

/** The shapes of a value in one context: its folded tokens, one letter each; more than one only for very long values. */
export function sqlShapes(value: string, context: SqlContext): Generator<string, void> {
  const tokenizer = new SqlTokenizer(value, context.quote, context.style)
  return foldSql(() => tokenizer.next())
}

/** The first shape, which is the whole for all but very long values. */
export function sqlShape(value: string, context: SqlContext): string {
  for (const shape of sqlShapes(value, context)) return shape
  return ''
}

/** The start of a shape, which is what fingerprints are made of. */
export function sqlFingerprint(shape: string): string {
  return shape.slice(0, fingerprintLength)
}

/**
 * Tells whether a value reads as SQL injection. In each context that it may have been pasted into its tokens are folded to a shape; shapes that mean an attack
 * are described in `sqli-shapes.ts`, and what these do not reach is looked up among the fingerprints derived from samples (`sqli-fingerprints.ts`).
 * Gives the fingerprint, or false. Linear in the length of the value.
 */
export function detectSqli(value: string): string | false {
  if (isProse(value)) return false
  for (const context of sqlContexts(value))
    for (const shape of sqlShapes(value, context)) if (isAttack(shape)) return sqlFingerprint(shape)
  return false
}

function isAttack(shape: string): boolean {
  let attack = judged.get(shape)
  if (attack === undefined) {
    attack = attackShape.test(shape) || sqliFingerprints.has(sqlFingerprint(shape))
    if (judged.size >= maxJudged) judged.clear()
    if (shape.length <= longestJudged) judged.set(shape, attack)
  }
  return attack
}
