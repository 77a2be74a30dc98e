import type { Transformation } from '../transformation.js'

const space = /[\t-\r \xa0]+/g

/** Drops all white space (C locale, and the byte 0xa0). */
export const removeWhitespace: Transformation = (value) => value.replace(space, '')
