import { createHash } from 'node:crypto'
import type { Transformation } from '../transformation.js'

/** The MD5 digest as raw bytes; rules add `t:hexEncode` to print it. It names a value, it secures nothing. */
export const md5: Transformation = (value) =>
  createHash('md5').update(value, 'latin1').digest().toString('latin1')
