import type { Transformation } from '../transformation.js'

/**
 * Decodes each pair of bytes as two hexadecimal digits; a byte left over is dropped. Bytes that are no digits are not refused but computed with as if they were,
 * as SecLang engines have always done: what an attacker hides behind one bad digit still comes out.
 */
export const hexDecode: Transformation = (value) => {
  const bytes = Buffer.alloc(value.length >>> 1)
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (digit(value.charCodeAt(at * 2)) * 16 + digit(value.charCodeAt(at * 2 + 1))) & 255
  }
  return bytes.toString('latin1')
}

function digit(code: number): number {
  return code >= 65 ? (code & 0xdf) - 65 + 10 : code - 48
}
