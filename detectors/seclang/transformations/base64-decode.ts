import type { Transformation } from '../transformation.js'

export const SKIPPED = 64
export const END = 65

/** The six bits of each byte of the alphabet, or what else becomes of it. */
export const sextets = new Uint8Array(256).fill(END)
sextets.fill(SKIPPED, 9, 14)
sextets[32] = SKIPPED
for (const [value, letter] of [
  ...Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'),
].entries())
  sextets[letter] = value

/** Bytes that are made at a time. */
const scratch = Buffer.alloc(4 * 1024)

/**
 * Decodes base64 (RFC 4648 section 4) up to the first byte outside the alphabet; line breaks between are skipped, the bits of an unfinished
 * last byte are dropped.
 */
export const base64Decode: Transformation = (value) => {
  let out = ''
  let bits = 0
  let held = 0
  let length = 0
  for (let at = 0; at < value.length; at++) {
    const sextet = sextets[value.charCodeAt(at) & 255] ?? END
    if (sextet === SKIPPED) continue
    if (sextet === END) break
    bits = ((bits << 6) | sextet) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    if (length === scratch.length) {
      out += scratch.toString('latin1', 0, length)
      length = 0
    }
    scratch[length++] = bits >>> held
  }
  return out + scratch.toString('latin1', 0, length)
}
