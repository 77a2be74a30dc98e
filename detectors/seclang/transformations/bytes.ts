/** Byte tests that several transformations share; arguments are char codes of a byte string. */

/** Value of a hexadecimal digit, or -1. */
export function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  if (code >= 65 && code <= 70) return code - 55
  return -1
}

/** Byte that two hexadecimal digits at `at` spell, or -1 when they are not both there. */
export function hexByte(value: string, at: number): number {
  const high = hexValue(value.charCodeAt(at))
  const low = hexValue(value.charCodeAt(at + 1))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

/** White space of the C locale: space, \t, \n, \v, \f and \r. */
export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

export function isOctal(code: number): boolean {
  return code >= 48 && code <= 55
}

/** The byte that a C escape letter stands for (`n` is a line feed), or -1. */
export function escapeLetter(code: number): number {
  switch (code) {
    case 97:
      return 7
    case 98:
      return 8
    case 102:
      return 12
    case 110:
      return 10
    case 114:
      return 13
    case 116:
      return 9
    case 118:
      return 11
    default:
      return -1
  }
}
