import type { Transformation } from '../transformation.js'
import { trimLeft } from './trim-left.js'
import { trimRight } from './trim-right.js'

/** Drops white space at both ends. */
export const trim: Transformation = (value) => trimLeft(trimRight(value))
