import type { BodyLimits } from './body.js'

const SPACE = 1
/** Stands for itself in a string. */
const PLAIN = 2
const DIGIT = 4
const HEX = 8
/** May follow a backslash. */
const ESCAPED = 16

const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return (
    (/[ \n\r\t]/.test(char) ? SPACE : 0) |
    (byte >= 0x20 && char !== '"' && char !== '\\' ? PLAIN : 0) |
    (/[0-9]/.test(char) ? DIGIT : 0) |
    (/[0-9A-Fa-f]/.test(char) ? HEX : 0) |
    (/["\\/bfnrt]/.test(char) ? ESCAPED : 0)
  )
})

const QUOTE = 0x22
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const SMALL_E = 0x65
const SMALL_U = 0x75
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const WORDS = ['true', 'false', 'null'].map((word) => Uint8Array.from(word, (char) => char.charCodeAt(0)))

/**
 * Whether a body is JSON (RFC 8259) that the body processor reads to its end within the limits, found out without reading any value. False is no
 * verdict: what is wrong, and whether anything is, only reading tells.
 *
 * @param mostNames the limit of the processor on the length of all names; it gives values names as `json.a.0`
 */
export function isSoundJson(bytes: Uint8Array, limits: BodyLimits, mostNames: number): boolean {
  /** Of what is open: the length of its name, and the next index of an array, -1 for an object. */
  const lengths: number[] = []
  const indexes: number[] = []
  let length = 'json'.length
  let values = 0
  let names = 0
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  for (;;) {
    at = afterSpace(bytes, at)
    const first = bytes[at]
    let isEmpty = first === OPEN_OBJECT || first === OPEN_ARRAY
    if (isEmpty) {
      if (lengths.length >= limits.jsonDepth) return false
      lengths.push(length)
      indexes.push(first === OPEN_ARRAY ? 0 : -1)
      at++
    } else {
      at = afterScalar(bytes, at)
      if (at < 0) return false
      values++
      names += length
    }
    // Closes what ends here, and goes to the next value.
    for (;;) {
      at = afterSpace(bytes, at)
      const depth = lengths.length - 1
      if (depth < 0) return at === bytes.length && values <= limits.arguments && names <= mostNames
      const index = indexes[depth] ?? -1
      const outer = lengths[depth] ?? 0
      if (bytes[at] === (index < 0 ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        lengths.pop()
        indexes.pop()
        at++
        // What is empty counts as a value.
        if (isEmpty) {
          values++
          names += outer
          isEmpty = false
        }
        continue
      }
      if (!isEmpty && bytes[at++] !== COMMA) return false
      if (index < 0) {
        const key = afterSpace(bytes, at)
        at = afterString(bytes, key)
        if (at < 0) return false
        // Escapes are longer than what they stand for: a name is at most so long.
        length = outer + 1 + (at - key - 2)
        at = afterSpace(bytes, at)
        if (bytes[at++] !== COLON) return false
      } else {
        indexes[depth] = index + 1
        length = outer + 1 + digitsOf(index)
      }
      break
    }
  }
}

// Each of these gives the place behind what begins at `at`, or -1 when nothing of the kind does.

function afterScalar(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first === QUOTE) return afterString(bytes, at)
  if (first === MINUS || isOf(DIGIT, first)) return afterNumber(bytes, at)
  for (const word of WORDS) if (first === word[0]) return afterWord(bytes, at, word)
  return -1
}

function afterString(bytes: Uint8Array, start: number): number {
  const end = bytes.length
  let at = start + 1
  if (start >= end || bytes[start] !== QUOTE) return -1
  for (;;) {
    while (at < end && isOf(PLAIN, bytes[at] ?? 0)) at++
    if (at >= end) return -1
    if (bytes[at] === QUOTE) return at + 1
    if (bytes[at] !== BACKSLASH) return -1
    if (isOf(ESCAPED, bytes[at + 1] ?? 0)) at += 2
    else {
      if (bytes[at + 1] !== SMALL_U) return -1
      for (let digit = at + 2; digit < at + 6; digit++) if (!isOf(HEX, bytes[digit] ?? 0)) return -1
      at += 6
    }
  }
}

function afterNumber(bytes: Uint8Array, start: number): number {
  const whole = bytes[start] === MINUS ? start + 1 : start
  let at = afterDigits(bytes, whole)
  if (at === whole || (bytes[whole] === ZERO && at > whole + 1)) return -1
  if (at < bytes.length && bytes[at] === DOT) {
    const fraction = at + 1
    at = afterDigits(bytes, fraction)
    if (at === fraction) return -1
  }
  if (at < bytes.length && ((bytes[at] ?? 0) | 0x20) === SMALL_E) {
    const sign = bytes[at + 1]
    const exponent = sign === PLUS || sign === MINUS ? at + 2 : at + 1
    at = afterDigits(bytes, exponent)
    if (at === exponent) return -1
  }
  return at
}

function afterWord(bytes: Uint8Array, start: number, word: Uint8Array): number {
  for (let at = 0; at < word.length; at++) if (bytes[start + at] !== word[at]) return -1
  return start + word.length
}

function afterDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && isOf(DIGIT, bytes[at] ?? 0)) at++
  return at
}

function afterSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && isOf(SPACE, bytes[at] ?? 0)) at++
  return at
}

function isOf(kind: number, byte: number): boolean {
  return ((CLASSES[byte] ?? 0) & kind) !== 0
}

/** Digits of an index as it is written. */
function digitsOf(index: number): number {
  let digits = 1
  for (let rest = index; rest >= 10; rest /= 10) digits++
  return digits
}
