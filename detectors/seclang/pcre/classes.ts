import { ByteSet } from './byte-set.js'

/** The shorthand and POSIX classes of PCRE in its C locale: bytes above 127 belong only to negated ones. */

const digit = ByteSet.range(48, 57)
const word = ByteSet.chars('_')
word.addRange(48, 57)
word.addRange(65, 90)
word.addRange(97, 122)
const space = ByteSet.chars(' \t\n\v\f\r')
const horizontal = ByteSet.chars(' \t\xa0')
const vertical = ByteSet.chars('\n\v\f\r\x85')

export const wordBytes: ByteSet = word
export const verticalBytes: ByteSet = vertical
export const anyByte: ByteSet = ByteSet.range(0, 255)
export const notLineFeed: ByteSet = ByteSet.of(10).complement()

const shorthands: ReadonlyMap<string, ByteSet> = new Map([
  ['d', digit],
  ['D', digit.complement()],
  ['w', word],
  ['W', word.complement()],
  ['s', space],
  ['S', space.complement()],
  ['h', horizontal],
  ['H', horizontal.complement()],
  ['v', vertical],
  ['V', vertical.complement()],
  ['N', notLineFeed],
])

/** Class of `\d`, `\W` and their kin by letter. */
export function shorthand(letter: string): ByteSet | undefined {
  return shorthands.get(letter)
}

function ranges(...pairs: (readonly [number, number])[]): ByteSet {
  const set = new ByteSet()
  for (const [from, to] of pairs) set.addRange(from, to)
  return set
}

const posix: ReadonlyMap<string, ByteSet> = new Map([
  ['alnum', ranges([48, 57], [65, 90], [97, 122])],
  ['alpha', ranges([65, 90], [97, 122])],
  ['ascii', ranges([0, 127])],
  ['blank', ByteSet.chars(' \t')],
  ['cntrl', ranges([0, 31], [127, 127])],
  ['digit', digit],
  ['graph', ranges([33, 126])],
  ['lower', ranges([97, 122])],
  ['print', ranges([32, 126])],
  ['punct', ranges([33, 47], [58, 64], [91, 96], [123, 126])],
  ['space', space],
  ['upper', ranges([65, 90])],
  ['word', word],
  ['xdigit', ranges([48, 57], [65, 70], [97, 102])],
])

/** Class of `[:name:]`. */
export function posixClass(name: string): ByteSet | undefined {
  return posix.get(name)
}
