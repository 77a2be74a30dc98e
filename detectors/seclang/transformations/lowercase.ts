import type { Transformation } from '../transformation.js'

const upper = /[A-Z]/
const runs = /[A-Z]+/g
const beyondAscii = /[^\0-\x7f]/

/** Lowers ASCII letters; other bytes stay, for they have no case before they are decoded. */
export const lowercase: Transformation = (value) => {
  if (!upper.test(value)) return value
  return beyondAscii.test(value) ? value.replace(runs, (run) => run.toLowerCase()) : value.toLowerCase()
}
