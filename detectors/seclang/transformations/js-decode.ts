import type { Transformation } from '../transformation.js'
import { escapeLetter, hexByte, isOctal } from './bytes.js'
import { readOctal } from './octal.js'

/**
 * Undoes the escapes of JavaScript strings (ECMA-262 section 12.9.4): `\uHHHH` (the low byte counts; full-width forms of ASCII fold to ASCII),
 * `\xHH`, octal up to `\377`, letters; any other escaped byte stands for itself, a backslash at the very end stays.
 */
export const jsDecode: Transformation = (value) => {
  let at = value.indexOf('\\')
  if (at < 0) return value
  let out = value.slice(0, at)
  while (at < value.length) {
    const backslash = value.indexOf('\\', at)
    if (backslash < 0 || backslash + 1 >= value.length) return out + value.slice(at)
    out += value.slice(at, backslash)
    at = backslash
    const next = value.charCodeAt(at + 1)
    const high = next === 117 ? hexByte(value, at + 2) : -1
    const low = high >= 0 ? hexByte(value, at + 4) : -1
    const byte = next === 120 ? hexByte(value, at + 2) : -1
    if (low >= 0) {
      out += String.fromCharCode(high === 0xff && low > 0 && low < 0x5f ? low + 0x20 : low)
      at += 6
    } else if (byte >= 0) {
      out += String.fromCharCode(byte)
      at += 4
    } else if (isOctal(next)) {
      // Three digits only while they fit a byte.
      const octal = readOctal(value, at + 1, next > 51 ? 2 : 3)
      out += String.fromCharCode(octal.byte)
      at += 1 + octal.digits
    } else {
      const letter = escapeLetter(next)
      out += letter >= 0 ? String.fromCharCode(letter) : value.charAt(at + 1)
      at += 2
    }
  }
  return out
}
