import type { Token } from './sql-tokenizer.js'
import { wordPairs } from './sql-words.js'
import type { TokenKind } from './sql-words.js'

/** Letters of a fingerprint. */
const fingerprintLength = 5

/** Operators that compute a value; comparisons are not folded, for they are what a condition is made of. */
const arithmetic = new Set([
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '|',
  '&',
  '<<',
  '>>',
  'div',
  'mod',
  '.',
  ':',
  '::',
  'collate',
])
const signs = new Set(['+', '-', '!', '~', 'not', 'binary'])

function isValue(kind: TokenKind | undefined): boolean {
  return kind === '1' || kind === 'n' || kind === 'v'
}

/** Folded tokens after which what follows cannot change the first letters any more. */
const enough = 16

/**
 * Reduces tokens to the shape of what they say and gives its first letters: words that belong together become one, lists and arithmetic become one value, signs
 * and needless parentheses vanish, comments vanish but for one at the end. It folds while it reads, so padding does not hide what comes after it.
 */
export function foldSql(next: () => Token | undefined): string {
  const folded: Token[] = []
  let comment: Token | undefined
  for (let token = next(); token !== undefined && folded.length < enough; token = next()) {
    comment = token.kind === 'c' || token.kind === 'h' ? token : undefined
    if (comment === undefined) push(folded, token)
  }
  if (comment !== undefined) push(folded, comment)
  let from = 0
  // What leads in says nothing: parentheses and signs in front of the first value.
  while (from < folded.length - 1 && leadsIn(folded[from])) from += 1
  let kinds = ''
  for (const token of folded.slice(from, from + fingerprintLength)) kinds += token.kind
  return kinds
}

function leadsIn(token: Token | undefined): boolean {
  return token !== undefined && (token.kind === '(' || (token.kind === 'o' && signs.has(token.text)))
}

/** Adds a token and folds the end of the list; each round shortens it, so the work is linear. */
function push(list: Token[], token: Token): void {
  const before = list.at(-1)
  const pair =
    before === undefined || before.text === '' || token.text === ''
      ? undefined
      : wordPairs.get(`${before.text} ${token.text}`)
  if (pair !== undefined && before !== undefined) list[list.length - 1] = { kind: pair, text: before.text }
  else list.push(token)
  while (reduce(list)) {
    // again, until nothing more folds
  }
}

function reduce(list: Token[]): boolean {
  const c = list.at(-1)
  const b = list.at(-2)
  const a = list.at(-3)
  if (c === undefined || b === undefined) return false
  if (b.kind === 's' && c.kind === 's') return drop(list, 1)
  if (b.kind === ';' && c.kind === ';') return drop(list, 1)
  // A sign behind an operator, a comma, a parenthesis or a word belongs to what follows it.
  if (c.kind === 'o' && signs.has(c.text) && 'o&,(UEkB'.includes(b.kind)) return drop(list, 1)
  if (c.kind === 'o' && b.kind === 'o') return drop(list, 1)
  if (c.kind === '&' && b.kind === '&') return drop(list, 1)
  if (c.kind === '(' && b.kind === '(') return drop(list, 1)
  if (c.kind === ')' && b.kind === ')') return drop(list, 1)
  if (a === undefined) return false
  if (isValue(c.kind) && isValue(a.kind) && (b.kind === ',' || (b.kind === 'o' && arithmetic.has(b.text)))) {
    list.splice(-3, 3, b.kind === ',' ? { kind: 'n', text: '' } : mixed(a, c))
    return true
  }
  if (c.kind === 's' && isValue(a.kind) && b.kind === ',') return drop(list, 2)
  if (c.kind === ')' && a.kind === '(' && (isValue(b.kind) || b.kind === 's') && list.at(-4)?.kind !== 'f') {
    list.splice(-3, 3, b)
    return true
  }
  return false
}

/** What two values make: a number only when both are. */
function mixed(a: Token, b: Token): Token {
  return a.kind === 'n' || b.kind === '1' ? a : b
}

function drop(list: Token[], count: number): true {
  list.splice(-count, count)
  return true
}
