import { Buffer } from 'node:buffer'
import { viewOf } from './bytes.js'

/** Standard base64 with padding (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  return viewOf(bytes).toString('base64')
}

/**
 * Decodes standard base64 and refuses every spelling but the canonical one: padding is required, the alphabet is the
 * standard one, unused bits are zero, nothing else may stand between. Two texts therefore never mean the same bytes.
 *
 * @returns the bytes, or `undefined` when `text` is not canonical base64
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
