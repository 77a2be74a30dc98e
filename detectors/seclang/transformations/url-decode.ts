import type { Transformation } from '../transformation.js'
import { hexByte } from './bytes.js'

/** Decodes `%HH` and `+` of an URL-encoded value (WHATWG URL section 5); a `%` without two hexadecimal digits stays. */
export const urlDecode: Transformation = (value) => {
  const spaced = value.includes('+') ? value.replaceAll('+', ' ') : value
  let at = spaced.indexOf('%')
  if (at < 0) return spaced
  let out = ''
  let copied = 0
  while (at >= 0) {
    const byte = hexByte(spaced, at + 1)
    if (byte < 0) {
      at = spaced.indexOf('%', at + 1)
      continue
    }
    out += spaced.slice(copied, at) + String.fromCharCode(byte)
    copied = at + 3
    at = spaced.indexOf('%', copied)
  }
  return out + spaced.slice(copied)
}
