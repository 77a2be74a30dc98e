import type { Transformation } from '../transformation.js'
import { isSpace } from './bytes.js'

/** Drops white space at the start. */
export const trimLeft: Transformation = (value) => {
  let start = 0
  while (start < value.length && isSpace(value.charCodeAt(start))) start += 1
  return value.slice(start)
}
