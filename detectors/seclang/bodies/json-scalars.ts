import { hexDigit } from '../../transaction/percent.js'
import { utf8ByteString } from '../../transaction/bytes.js'

export class JsonSyntaxError extends Error {
  constructor(
    what: string,
    /** Offset in the text. */
    readonly at: number,
  ) {
    super(`${what} at byte ${at}`)
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** Reads the string whose opening quote stands at `start`. Escaped characters become their UTF-8 bytes. */
export function readJsonString(
  text: string,
  start: number,
): { readonly value: string; readonly end: number } {
  const parts: string[] = []
  let from = start + 1
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      parts.push(text.slice(from, at))
      return { value: parts.length === 1 ? (parts[0] ?? '') : parts.join(''), end: at + 1 }
    }
    if (Number.isNaN(code)) throw new JsonSyntaxError('a string is never closed', at)
    if (code < 0x20) throw new JsonSyntaxError('a control character in a string', at)
    if (code !== 0x5c) {
      at++
      continue
    }
    parts.push(text.slice(from, at))
    if (text[at + 1] === 'u') {
      const { characters, end } = readUnicodeEscapes(text, at)
      parts.push(characters)
      at = end
    } else {
      const escape = ESCAPES.get(text[at + 1] ?? '')
      if (escape === undefined) throw new JsonSyntaxError('an unknown escape', at)
      parts.push(escape)
      at += 2
    }
    from = at
  }
}

/** One `\\uHHHH`, or the two of a surrogate pair. Half a pair becomes U+FFFD. */
function readUnicodeEscapes(text: string, at: number): { readonly characters: string; readonly end: number } {
  const first = hex4(text, at)
  if (first >= 0xd800 && first < 0xdc00 && text.startsWith('\\u', at + 6)) {
    const second = hex4(text, at + 6)
    if (second >= 0xdc00 && second < 0xe000) {
      return { characters: utf8ByteString(String.fromCharCode(first, second)), end: at + 12 }
    }
  }
  return { characters: utf8ByteString(String.fromCharCode(first)), end: at + 6 }
}

function hex4(text: string, at: number): number {
  let value = 0
  for (let index = at + 2; index < at + 6; index++) {
    const digit = hexDigit(text.charCodeAt(index))
    if (digit < 0) throw new JsonSyntaxError('a broken \\u escape', at)
    value = value * 16 + digit
  }
  return value
}

/** End of the number that begins at `start`. */
export function readJsonNumber(text: string, start: number): number {
  let at = start
  if (text[at] === '-') at++
  const whole = digits(text, at)
  if (whole === at || (text[at] === '0' && whole > at + 1)) throw new JsonSyntaxError('no value', start)
  at = whole
  if (text[at] === '.') {
    const fraction = digits(text, at + 1)
    if (fraction === at + 1) throw new JsonSyntaxError('a broken number', start)
    at = fraction
  }
  if (text[at] === 'e' || text[at] === 'E') {
    const sign = text[at + 1] === '+' || text[at + 1] === '-' ? 2 : 1
    const exponent = digits(text, at + sign)
    if (exponent === at + sign) throw new JsonSyntaxError('a broken number', start)
    at = exponent
  }
  return at
}

function digits(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++
  return at
}
