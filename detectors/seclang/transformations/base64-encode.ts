import type { Transformation } from '../transformation.js'

/** Encodes as padded base64 (RFC 4648 section 4). */
export const base64Encode: Transformation = (value) => Buffer.from(value, 'latin1').toString('base64')
