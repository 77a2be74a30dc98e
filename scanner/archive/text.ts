import { isUtf8 } from 'node:buffer'

/** A name of unknown encoding. */
export const text = (name: Buffer): string => name.toString(isUtf8(name) ? 'utf8' : 'latin1')
