import type { Transformation } from '../transformation.js'

const outside = /[^A-Za-z0-9+/\t-\r ]/

/**
 * Decodes base64 (RFC 4648 section 4) up to the first byte outside the alphabet; line breaks between are skipped, the bits of an unfinished
 * last byte are dropped.
 */
export const base64Decode: Transformation = (value) => {
  const end = value.search(outside)
  return Buffer.from(end < 0 ? value : value.slice(0, end), 'base64').toString('latin1')
}
