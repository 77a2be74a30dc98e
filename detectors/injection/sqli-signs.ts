import { PROSE_KINDS } from './sql-prose.js'
import { sqlWords, wordPairs } from './sql-words.js'
import type { TokenKind } from './sql-words.js'

/** Bytes that stand between words in plain text, and all that it consists of. */
const between = ' ./:,?-'
const plain = /[A-Za-z0-9_ ./:,?\-\x80-\x9f\xa1-\xff]/

/** Whether tokens of a kind tell something. Of what prose is made of only comparisons do: a condition needs one. */
function tells(kind: TokenKind): boolean {
  return kind === 'l' || !PROSE_KINDS.includes(kind)
}

const words = [...sqlWords].filter(([, kind]) => tells(kind)).map(([word]) => word)
/** Of pairs without such a word: what begins a statement, or else the second word, behind the blank that divides them. */
const pairs = [...wordPairs]
  .filter(
    ([pair, kind]) => tells(kind) && !pair.split(' ').some((word) => word === '=' || words.includes(word)),
  )
  .map(([pair, kind]) => (kind === 'M' ? pair.slice(0, pair.indexOf(' ')) : pair.slice(pair.indexOf(' '))))

/**
 * Texts (in lower case; ASCII case does not matter) without one of which no value reads as SQL injection: signs that plain text does not have, comments, the words of
 * SQL that text has no use for, and MySQL's `1.e.name`. Words of two letters are comparisons, which nothing begins with.
 */
export const sqliSigns: readonly string[] = [
  ...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter((char) => !plain.test(char)),
  '--',
  ...Array.from('0123456789.', (char) => `${char}e.`),
  ...[...words, ...pairs].flatMap((word) =>
    word.length > 2 ? [word] : Array.from(between, (char) => char + word),
  ),
]
