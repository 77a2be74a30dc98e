import type { Transformation } from '../transformation.js'

const uneven = /[\t-\r\xa0]| {2}/
const runs = /[\t-\r \xa0]+/g

/** Turns each run of white space (C locale, and the byte 0xa0) into one space. */
export const compressWhitespace: Transformation = (value) =>
  uneven.test(value) ? value.replace(runs, ' ') : value
