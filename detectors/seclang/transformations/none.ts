import type { Transformation } from '../transformation.js'

/** Leaves the value as it is; in a rule, `t:none` also drops the transformations inherited from `SecDefaultAction`. */
export const none: Transformation = (value) => value
