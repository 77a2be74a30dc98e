/**
 * How the tokens of a rule's condition hang together, as far as one can say without a grammar of all expressions: `or` binds
 * weakest, then `and`, then `not`, and everything else binds stronger than these.
 */

export type Tokens = readonly string[]

/** The operands of `or` on the outermost level; one when there is none. */
export const alternatives = (tokens: Tokens): Tokens[] => split(tokens, 'or')

/** The operands of `and` of what has no `or` on its outermost level. */
export const conjuncts = (tokens: Tokens): Tokens[] => split(tokens, 'and')

/** What one pair of parentheses around all of it holds. */
export const insideParentheses = (tokens: Tokens): Tokens | undefined =>
  tokens[0] === '(' && closingOf(tokens, 0) === tokens.length - 1 ? tokens.slice(1, -1) : undefined

/** Index of the sign that closes the parenthesis at `open`; -1 when nothing does. */
export function closingOf(tokens: Tokens, open: number): number {
  let depth = 0
  for (let index = open; index < tokens.length; index++) {
    if (tokens[index] === '(') depth++
    else if (tokens[index] === ')' && --depth === 0) return index
  }
  return -1
}

/** Splits at a word that stands outside of all parentheses and brackets. */
function split(tokens: Tokens, word: string): string[][] {
  const parts: string[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token === '(' || token === '[') depth++
    else if (token === ')' || token === ']') depth--
    if (depth === 0 && token === word) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}
