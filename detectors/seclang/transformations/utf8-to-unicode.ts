import type { Transformation } from '../transformation.js'

const high = /[\0\x80-\xff]/

/**
 * Writes each UTF-8 sequence (RFC 3629) as `%uHHHH` (five or six digits beyond the basic plane). An overlong sequence or a surrogate is followed by its
 * first byte, so that rules see the trick; the first byte of a broken sequence and NUL bytes are dropped; a stray continuation byte stays.
 */
export const utf8ToUnicode: Transformation = (value) => {
  if (!high.test(value)) return value
  let out = ''
  let at = 0
  while (at < value.length) {
    const first = value.charCodeAt(at)
    const length = sequenceLength(first)
    if (length < 2) {
      if (first !== 0) out += value.charAt(at)
      at += 1
      continue
    }
    if (first >= 0xf5) out += value.charAt(at)
    const code = codePoint(value, at, length)
    if (code < 0) {
      at += 1
      continue
    }
    out += '%u' + code.toString(16).padStart(4, '0')
    if (code >= 0xd800 && code <= 0xdfff) out += value.charAt(at)
    if (code < smallest(length)) out += value.charAt(at)
    at += length
  }
  return out
}

function sequenceLength(first: number): number {
  if ((first & 0xe0) === 0xc0) return 2
  if ((first & 0xf0) === 0xe0) return 3
  return (first & 0xf8) === 0xf0 ? 4 : 1
}

/** The least code point that needs this many bytes. */
function smallest(length: number): number {
  return length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000
}

function codePoint(value: string, at: number, length: number): number {
  let code = value.charCodeAt(at) & (0x7f >> length)
  for (let next = at + 1; next < at + length; next++) {
    const byte = value.charCodeAt(next)
    if ((byte & 0xc0) !== 0x80) return -1
    code = code * 64 + (byte & 0x3f)
  }
  return code
}
