import type { Transformation } from '../transformation.js'
import { hexByte } from './bytes.js'

/** Decodes pairs of hexadecimal digits up to the first byte pair that is none; a digit left over is dropped. */
export const hexDecode: Transformation = (value) => {
  let end = 0
  while (end + 1 < value.length && hexByte(value, end) >= 0) end += 2
  return Buffer.from(value.slice(0, end), 'hex').toString('latin1')
}
