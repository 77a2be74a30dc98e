import type { Token } from './sql-tokenizer.js'
import { wordPairs } from './sql-words.js'
import type { TokenKind } from './sql-words.js'

/** Folded tokens that are looked at together, and how many of them are looked at again with what follows. */
const windowLength = 256
const overlap = 64

const pairBeginnings = new Set([...wordPairs.keys()].map((pair) => pair.slice(0, pair.indexOf(' '))))
const signs = new Set(['+', '-', '!', '~'])
/** Which of two values shows when they fold to one; later ones are stronger. */
const strength = '1vinsrxfe'

function isValue(kind: TokenKind | undefined): kind is TokenKind {
  return kind !== undefined && strength.includes(kind)
}

/**
 * Reduces tokens to the shape of what they say, one letter a token: words that belong together become one, arithmetic and lists become one value, so do calls,
 * queries in parentheses and names of several words; needless parentheses, signs and comments vanish but for a comment at the end.
 * It folds while it reads, so padding does not hide what comes after it. Gives one shape, and for very long values more: those after the first begin with a `t`.
 */
export function* foldSql(next: () => Token | undefined): Generator<string, void> {
  const folded: Token[] = []
  let comment: Token | undefined
  for (let token = next(); token !== undefined; token = next()) {
    comment = 'cCdh'.includes(token.kind) ? token : undefined
    if (comment === undefined) push(folded, token)
    if (folded.length >= windowLength) {
      yield shapeOf(folded)
      folded.splice(0, windowLength - overlap, { kind: 't', text: '' })
    }
  }
  if (comment !== undefined) push(folded, comment)
  yield shapeOf(folded)
}

function shapeOf(folded: readonly Token[]): string {
  let shape = ''
  for (const { kind } of folded) shape += kind
  return shape
}

/** Adds a token and folds the end of the list; each round shortens it, so the work is linear. */
function push(list: Token[], token: Token): void {
  const before = list[list.length - 1]
  const pair =
    before === undefined || token.text === '' || !pairBeginnings.has(before.text)
      ? undefined
      : wordPairs.get(`${before.text} ${token.text}`)
  if (pair !== undefined && before !== undefined) list[list.length - 1] = { kind: pair, text: token.text }
  else list.push(token)
  while (reduce(list)) {
    // again, until nothing more folds
  }
}

function reduce(list: Token[]): boolean {
  const c = list[list.length - 1]
  const b = list[list.length - 2]
  const a = list[list.length - 3]
  if (c === undefined) return false
  // A sign at the start or behind anything that is no value belongs to what follows it.
  if (c.kind === 'o' && signs.has(c.text) && (b === undefined || 'o=l&a,(UEB'.includes(b.kind)))
    return drop(list, 1)
  if (b === undefined) return false
  if (b.kind === c.kind && '();t&so=l!'.includes(c.kind)) return drop(list, 1)
  if (c.kind === '!' && '&aoE(='.includes(b.kind)) return drop(list, 1)
  if (c.kind === '&' && b.kind === 'a') return drop(list, 1)
  if (a === undefined) return false
  // Text: of more than two names in a row two are enough.
  if (a.kind === 'n' && b.kind === 'n' && c.kind === 'n') return drop(list, 1)
  if (isValue(a.kind) && isValue(c.kind) && (b.kind === 'o' || b.kind === ',' || b.kind === '.'))
    return put(list, 3, b.kind === ',' ? 'r' : stronger(a.kind, c.kind))
  // What is or is not null is a value again, and of a kind that asks.
  if (c.kind === 'v' && b.kind === 'l' && (b.text === 'is' || b.text === 'not') && isValue(a.kind))
    return put(list, 3, 'f')
  if (c.kind === '}' && isValue(b.kind)) {
    // ODBC's braces: {x value}.
    if (a.kind === '{') return put(list, 3, b.kind)
    if (a.kind === 'n' && list.at(-4)?.kind === '{') return put(list, 4, b.kind)
  }
  return c.kind === ')' && closes(list, a, b)
}

/** Folds what a closing parenthesis ends: a value, a call, a query. */
function closes(list: Token[], a: Token, b: Token): boolean {
  if (a.kind === '(' && isValue(b.kind)) {
    const callee = list.at(-4)?.kind
    if (callee === 'g') return put(list, 4, 'f')
    if (callee === 'G') return false
    if (callee === 'm') return put(list, 4, 'x')
    return put(list, 3, b.kind === 'r' ? 'r' : b.kind)
  }
  if (b.kind === '(' && (a.kind === 'g' || a.kind === 'm' || a.kind === 'v'))
    return put(list, 3, a.kind === 'm' ? 'x' : 'f')
  return false
}

function stronger(a: TokenKind, c: TokenKind): TokenKind {
  return strength.indexOf(a) > strength.indexOf(c) ? a : c
}

function put(list: Token[], count: number, kind: TokenKind): true {
  list.length -= count
  list.push({ kind, text: '' })
  return true
}

function drop(list: Token[], count: number): true {
  list.length -= count
  return true
}
