import { isOctal } from './bytes.js'

/** An octal escape of at most three digits. */
export interface Octal {
  readonly byte: number
  readonly digits: number
}

/** Reads up to `limit` octal digits at `at`; the byte wraps at 256. */
export function readOctal(value: string, at: number, limit: number): Octal {
  let digits = 0
  let number = 0
  while (digits < limit && isOctal(value.charCodeAt(at + digits))) {
    number = number * 8 + value.charCodeAt(at + digits) - 48
    digits += 1
  }
  return { byte: number & 0xff, digits }
}
