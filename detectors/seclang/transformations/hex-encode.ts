import type { Transformation } from '../transformation.js'

/** Writes each byte as two lower-case hexadecimal digits. */
export const hexEncode: Transformation = (value) => Buffer.from(value, 'latin1').toString('hex')
