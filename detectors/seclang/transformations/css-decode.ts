import type { Transformation } from '../transformation.js'
import { hexValue, isSpace } from './bytes.js'

/**
 * Undoes CSS 2 escapes (CSS 2.1 section 4.1.3): one to six hexadecimal digits (the low byte counts; full-width forms of ASCII fold to ASCII) with
 * one white space after them, an escaped line feed vanishes, any other escaped byte stands for itself.
 */
export const cssDecode: Transformation = (value) => {
  let at = value.indexOf('\\')
  if (at < 0) return value
  let out = value.slice(0, at)
  while (at < value.length) {
    const backslash = value.indexOf('\\', at)
    if (backslash < 0) return out + value.slice(at)
    out += value.slice(at, backslash)
    at = backslash + 1
    let digits = 0
    let code = 0
    while (digits < 6) {
      const digit = hexValue(value.charCodeAt(at + digits))
      if (digit < 0) break
      code = code * 16 + digit
      digits += 1
    }
    if (digits > 0) {
      out += String.fromCharCode(foldFullWidth(code, digits))
      at += digits
      if (at < value.length && isSpace(value.charCodeAt(at))) at += 1
    } else if (value.charCodeAt(at) === 0) {
      // An escaped NUL reads like the escape `\0`, white space included.
      out += '\0'
      at += 1
      if (isSpace(value.charCodeAt(at))) at += 1
    } else if (at < value.length) {
      if (value.charCodeAt(at) !== 10) out += value.charAt(at)
      at += 1
    }
  }
  return out
}

function foldFullWidth(code: number, digits: number): number {
  const low = code & 0xff
  return digits >= 4 && code >>> 8 === 0xff && low > 0 && low < 0x5f ? low + 0x20 : low
}
