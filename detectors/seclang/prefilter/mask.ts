import type { ByteSet } from '../pcre/byte-set.js'

/**
 * Classes of bytes, one bit each. All 32 bits are used; signs that mostly stand together share one: the two of each pair of brackets, `!?` and `^~`.
 * Control bytes are those below the space, and DEL; high ones those from 128 on.
 */
export const byteClass = {
  lower: 1,
  upper: 1 << 1,
  digit: 1 << 2,
  space: 1 << 3,
  control: 1 << 4,
  high: 1 << 5,
  doubleQuote: 1 << 6,
  singleQuote: 1 << 7,
  backQuote: 1 << 8,
  round: 1 << 9,
  square: 1 << 10,
  curly: 1 << 11,
  angle: 1 << 12,
  equals: 1 << 13,
  semicolon: 1 << 14,
  percent: 1 << 15,
  ampersand: 1 << 16,
  bar: 1 << 17,
  dollar: 1 << 18,
  backslash: 1 << 19,
  slash: 1 << 20,
  colon: 1 << 21,
  dot: 1 << 22,
  hyphen: 1 << 23,
  underscore: 1 << 24,
  plus: 1 << 25,
  star: 1 << 26,
  at: 1 << 27,
  hash: 1 << 28,
  mark: 1 << 29,
  comma: 1 << 30,
  tilde: 1 << 31,
} as const

/** Every class: as a demand it says nothing. */
export const anyClass = -1

/** The punctuation of each class from `doubleQuote` on, in the order of its bits. */
const punctuation = '" \' ` () [] {} <> = ; % & | $ \\ / : . - _ + * @ # !? , ^~'.split(' ')

/** Class of each byte. */
const classes = new Int32Array(256)
classes.fill(byteClass.control, 0, 32)
classes[32] = byteClass.space
classes.fill(byteClass.digit, 48, 58)
classes.fill(byteClass.upper, 65, 91)
classes.fill(byteClass.lower, 97, 123)
classes[127] = byteClass.control
classes.fill(byteClass.high, 128)
for (const [index, signs] of punctuation.entries())
  for (const sign of signs) classes[sign.charCodeAt(0)] = byteClass.doubleQuote << index

/** Classes of the bytes of a value (a byte string): what of them it holds, in one pass. 0 for the empty value. */
export function maskOf(value: string): number {
  let mask = 0
  for (let at = 0; at < value.length; at++) mask |= classes[value.charCodeAt(at) & 255] ?? 0
  return mask
}

/** Classes that hold some byte of the set. */
export function maskOfSet(set: ByteSet): number {
  let mask = 0
  for (const byte of set.bytes) mask |= classes[byte] ?? 0
  return mask
}
