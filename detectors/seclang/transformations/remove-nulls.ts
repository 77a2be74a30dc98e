import type { Transformation } from '../transformation.js'

/** Drops NUL bytes. */
export const removeNulls: Transformation = (value) =>
  value.includes('\0') ? value.replaceAll('\0', '') : value
