import type { Transformation } from '../transformation.js'

/** Turns NUL bytes into spaces. */
export const replaceNulls: Transformation = (value) => value.replaceAll('\0', ' ')
