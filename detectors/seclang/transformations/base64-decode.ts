import type { Transformation } from '../transformation.js'
import { isSpace } from './bytes.js'

const alphabet = /^[A-Za-z0-9+/]$/

/**
 * Decodes base64 (RFC 4648 section 4) up to the first byte outside the alphabet; line breaks between are skipped, the bits of an unfinished
 * last byte are dropped.
 */
export const base64Decode: Transformation = (value) => {
  let end = 0
  while (end < value.length) {
    const code = value.charCodeAt(end)
    if (!alphabet.test(value.charAt(end)) && !isSpace(code)) break
    end += 1
  }
  return Buffer.from(value.slice(0, end), 'base64').toString('latin1')
}
