import type { Transformation } from '../transformation.js'

const lower = /[a-z]+/g

/** Raises ASCII letters; other bytes stay, for they have no case before they are decoded. */
export const uppercase: Transformation = (value) => value.replace(lower, (run) => run.toUpperCase())
