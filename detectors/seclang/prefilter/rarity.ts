import { byteClass } from './mask.js'

/** How often, out of 1,000 bytes of what people send, each class of bytes comes, by the number of its bit; the other classes make up 5 each. */
const classFrequency = new Float64Array(32).fill(5)
for (const [mask, frequency] of [
  [byteClass.lower, 620],
  [byteClass.upper, 60],
  [byteClass.digit, 120],
  [byteClass.space, 70],
  [byteClass.control, 1],
  [byteClass.high, 3],
  [byteClass.slash, 25],
  [byteClass.dot, 25],
  [byteClass.hyphen, 20],
  [byteClass.underscore, 15],
  [byteClass.comma, 10],
  [byteClass.semicolon, 8],
  [byteClass.colon, 8],
  [byteClass.equals, 8],
  [byteClass.round, 6],
  [byteClass.backQuote, 1],
  [byteClass.curly, 1],
  [byteClass.angle, 1],
  [byteClass.bar, 1],
  [byteClass.dollar, 1],
  [byteClass.backslash, 1],
  [byteClass.hash, 1],
  [byteClass.tilde, 1],
] as const)
  classFrequency[31 - Math.clz32(mask)] = frequency

const letters = ['etaoinsr', 'hldcumfpgwyb', 'vkxjqz'] as const
const letterFrequency = [70, 25, 6] as const

/** The same of one byte, letters in lower case. */
const byteFrequency = new Float64Array(256).fill(0.003)
letters.forEach((group, index) => {
  for (const letter of group) byteFrequency[letter.charCodeAt(0)] = (letterFrequency[index] ?? 0) / 1000
})
byteFrequency.fill(0.012, 48, 58)
for (const [sign, frequency] of Object.entries({
  ' ': 70,
  '/': 25,
  '.': 25,
  '-': 20,
  _: 15,
  ',': 10,
  '=': 8,
}))
  byteFrequency[sign.charCodeAt(0)] = frequency / 1000

/** How common the classes of a mask are together: less is rarer. */
export function maskFrequency(mask: number): number {
  let sum = 0
  for (let left = mask; left !== 0; left &= left - 1)
    sum += classFrequency[31 - Math.clz32(left & -left)] ?? 0
  return sum
}

/** How often one of the texts (lower case) is to be expected at a place of a value of ordinary text. */
export function textFrequency(texts: readonly string[]): number {
  let sum = 0
  for (const text of texts) {
    let product = 1
    for (let at = 0; at < text.length; at++) product *= byteFrequency[text.charCodeAt(at) & 255] ?? 0
    sum += product
  }
  return sum
}
