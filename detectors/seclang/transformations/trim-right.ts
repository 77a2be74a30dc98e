import type { Transformation } from '../transformation.js'
import { isSpace } from './bytes.js'

/** Drops white space at the end. */
export const trimRight: Transformation = (value) => {
  let end = value.length
  while (end > 0 && isSpace(value.charCodeAt(end - 1))) end -= 1
  return value.slice(0, end)
}
