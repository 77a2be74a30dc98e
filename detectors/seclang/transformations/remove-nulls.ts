import type { Transformation } from '../transformation.js'

/** Drops NUL bytes. */
export const removeNulls: Transformation = (value) => value.replaceAll('\0', '')
