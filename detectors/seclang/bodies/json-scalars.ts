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

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** A place in a JSON text (RFC 8259); what it reads ends where it stands then. */
export class JsonCursor {
  at = 0

  constructor(readonly text: string) {}

  /** Goes to what follows white space, and gives its code; NaN at the end. */
  next(): number {
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
      this.at++
    }
  }

  /** Reads the string whose opening quote stands here. Escaped characters become their UTF-8 bytes. */
  string(): string {
    const { text } = this
    const start = this.at + 1
    let at = start
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.at = at + 1
        return text.slice(start, at)
      }
      // A control character, or the end, where there is no code.
      if (code === BACKSLASH || !(code >= 0x20)) return this.#escaped(start, at)
      at++
    }
  }

  /** The number that begins here, as it is written. */
  number(): string {
    const { text } = this
    const start = this.at
    let at = start
    if (text.charCodeAt(at) === MINUS) at++
    const whole = digits(text, at)
    if (whole === at || (text.charCodeAt(at) === ZERO && whole > at + 1))
      throw new JsonSyntaxError('no value', start)
    at = whole
    if (text.charCodeAt(at) === DOT) {
      const fraction = digits(text, at + 1)
      if (fraction === at + 1) throw new JsonSyntaxError('a broken number', start)
      at = fraction
    }
    if ((text.charCodeAt(at) | 0x20) === SMALL_E) {
      const sign = text.charCodeAt(at + 1)
      const from = at + (sign === PLUS || sign === MINUS ? 2 : 1)
      const exponent = digits(text, from)
      if (exponent === from) throw new JsonSyntaxError('a broken number', start)
      at = exponent
    }
    this.at = at
    return text.slice(start, at)
  }

  /** The rest of a string, from the first character on that does not stand for itself. */
  #escaped(start: number, first: number): string {
    const { text } = this
    const parts: string[] = []
    let from = start
    let at = first
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        parts.push(text.slice(from, at))
        this.at = at + 1
        return parts.join('')
      }
      if (Number.isNaN(code)) throw new JsonSyntaxError('a string is never closed', at)
      if (code < 0x20) throw new JsonSyntaxError('a control character in a string', at)
      if (code !== BACKSLASH) {
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
}

const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const SMALL_E = 0x65

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

function digits(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++
  return at
}
