import { createHash } from 'node:crypto'
import type { Transformation } from '../transformation.js'

/** The SHA1 digest as raw bytes; rules add `t:hexEncode` to print it. It names a value, it secures nothing. */
export const sha1: Transformation = (value) =>
  createHash('sha1').update(value, 'latin1').digest().toString('latin1')
