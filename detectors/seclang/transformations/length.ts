import type { Transformation } from '../transformation.js'

/** The number of bytes, in decimal. */
export const length: Transformation = (value) => String(value.length)
