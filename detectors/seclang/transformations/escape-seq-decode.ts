import type { Transformation } from '../transformation.js'
import { escapeLetter, hexByte, isOctal } from './bytes.js'
import { readOctal } from './octal.js'

/**
 * Undoes the escapes of ANSI C: `\n` and its kin, `\xHH`, `\OOO`. An escape that it does not know loses its backslash; a backslash at the very
 * end stays.
 */
export const escapeSeqDecode: Transformation = (value) => {
  let at = value.indexOf('\\')
  if (at < 0) return value
  let out = value.slice(0, at)
  while (at < value.length) {
    const backslash = value.indexOf('\\', at)
    if (backslash < 0 || backslash + 1 >= value.length) return out + value.slice(at)
    out += value.slice(at, backslash)
    at = backslash
    const next = value.charCodeAt(at + 1)
    const letter = escapeLetter(next)
    const byte = next === 120 || next === 88 ? hexByte(value, at + 2) : -1
    if (letter >= 0) {
      out += String.fromCharCode(letter)
      at += 2
    } else if (byte >= 0) {
      out += String.fromCharCode(byte)
      at += 4
    } else if (isOctal(next)) {
      const octal = readOctal(value, at + 1, 3)
      out += String.fromCharCode(octal.byte)
      at += 1 + octal.digits
    } else {
      out += value.charAt(at + 1)
      at += 2
    }
  }
  return out
}
