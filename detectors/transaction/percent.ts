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

const PLUS = 0x2b
const PERCENT = 0x25
const SPACE = 0x20
// Longer text gets a buffer of its own.
const scratch = Buffer.allocUnsafe(16 * 1024)

function decode(text: string, plus: boolean): PercentDecoded {
  const first = firstSpecial(text, plus)
  if (first < 0) return { text, invalid: false }
  const bytes = text.length <= scratch.length ? scratch : Buffer.allocUnsafe(text.length)
  const end = bytes.write(text, 'latin1')
  let invalid = false
  let to = first
  for (let from = first; from < end; from++) {
    const code = bytes[from] ?? 0
    if (code === PERCENT) {
      const high = from + 2 < end ? hexDigit(bytes[from + 1] ?? 0) : -1
      const low = high < 0 ? -1 : hexDigit(bytes[from + 2] ?? 0)
      if (low < 0) {
        bytes[to++] = PERCENT
        invalid = true
      } else {
        bytes[to++] = high * 16 + low
        from += 2
      }
    } else bytes[to++] = plus && code === PLUS ? SPACE : code
  }
  return { text: bytes.toString('latin1', 0, to), invalid }
}

function firstSpecial(text: string, plus: boolean): number {
  const percent = text.indexOf('%')
  const sign = plus ? text.indexOf('+') : -1
  return percent < 0 ? sign : sign < 0 ? percent : Math.min(percent, sign)
}

/** 0 to 15, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
