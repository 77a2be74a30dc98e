import { foldSql } from './sql-fold.js'
import { sqliFingerprints } from './sqli-fingerprints.js'
import { SqlTokenizer } from './sql-tokenizer.js'
import type { CommentStyle, Quote } from './sql-tokenizer.js'

/**
 * Shapes that are attacks whatever stands around them, too many to list: a set operation with a query behind it; a condition that calls a function; a query
 * in parentheses where a value belongs; a second statement that names its objects; MySQL's conditional comments around words.
 */
const anyContext = /U\(?E|&\(?f\([1nsvf(]|[&o,]\(E[1nvfo(]|;\(?E[fkX]|;T[sf(]|XX|X[UE]|EX|\)k[o(]?[f(]/

/** Places a value may be pasted into, and how comments read there. */
export interface SqlContext {
  readonly quote: Quote
  readonly style: CommentStyle
}

/** The contexts that a value is worth reading in: quotes only when it has them, MySQL's comments only when they matter. */
export function sqlContexts(value: string): readonly SqlContext[] {
  const styles: readonly CommentStyle[] =
    value.includes('#') || value.includes('--') ? ['ansi', 'mysql'] : ['ansi']
  const quotes: Quote[] = ['']
  if (value.includes("'")) quotes.push("'")
  if (value.includes('"')) quotes.push('"')
  return quotes.flatMap((quote) => styles.map((style) => ({ quote, style })))
}

/** The fingerprint of a value in one context. */
export function sqlFingerprint(value: string, context: SqlContext): string {
  const tokenizer = new SqlTokenizer(value, context.quote, context.style)
  return foldSql(() => tokenizer.next())
}

/**
 * Tells whether a value reads as SQL injection: in each context that it may have been pasted into its tokens are folded to a fingerprint, which is looked up among
 * those derived from attacks (see `sqli-fingerprints.ts`). Gives the fingerprint, or false. Linear in the length of the value.
 */
export function detectSqli(value: string): string | false {
  for (const context of sqlContexts(value)) {
    const fingerprint = sqlFingerprint(value, context)
    if (sqliFingerprints.has(fingerprint) || anyContext.test(fingerprint)) return fingerprint
  }
  return false
}
