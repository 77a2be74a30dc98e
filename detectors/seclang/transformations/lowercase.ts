import type { Transformation } from '../transformation.js'

const upper = /[A-Z]+/g

/** Lowers ASCII letters; other bytes stay, for they have no case before they are decoded. */
export const lowercase: Transformation = (value) => value.replace(upper, (run) => run.toLowerCase())
