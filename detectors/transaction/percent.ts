export interface PercentDecoded {
  readonly text: string
  /** A `%` without two hexadecimal digits after it was met (and kept as it stands). */
  readonly invalid: boolean
}

/**
 * Decodes `application/x-www-form-urlencoded` text on bytes: `%HH` becomes that byte, `+` a space. What is no valid escape stays as it
 * stands, as in ModSecurity. One pass.
 */
export function percentDecode(text: string): PercentDecoded {
  return decode(text, true)
}

/** Decodes the escapes of a path (RFC 3986, section 2.1): here a `+` is a plus. */
export function percentDecodePath(text: string): string {
  return decode(text, false).text
}

function decode(text: string, plus: boolean): PercentDecoded {
  let next = nextSpecial(text, 0, plus)
  if (next < 0) return { text, invalid: false }
  let invalid = false
  let from = 0
  const parts: string[] = []
  while (next >= 0) {
    if (next > from) parts.push(text.slice(from, next))
    if (text.charCodeAt(next) === PLUS) {
      parts.push(' ')
      from = next + 1
    } else {
      const high = hexDigit(text.charCodeAt(next + 1))
      const low = hexDigit(text.charCodeAt(next + 2))
      if (high >= 0 && low >= 0) {
        parts.push(String.fromCharCode(high * 16 + low))
        from = next + 3
      } else {
        parts.push('%')
        invalid = true
        from = next + 1
      }
    }
    next = nextSpecial(text, from, plus)
  }
  parts.push(text.slice(from))
  return { text: parts.join(''), invalid }
}

const PLUS = 0x2b
const PERCENT = 0x25

function nextSpecial(text: string, from: number, plus: boolean): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === PERCENT || (plus && code === PLUS)) return at
  }
  return -1
}

/** 0 to 15, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
