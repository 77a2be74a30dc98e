/** Byte strings: one char per byte (latin1). */

/** The bytes of a byte string; a char above U+00FF, which is no byte, gives undefined. */
export function toBytes(text: string): Uint8Array | undefined {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return undefined
  return Buffer.from(text, 'latin1')
}

/** The byte string of what a library decoded as UTF-8, or undefined when it met bytes that are none (U+FFFD). */
export function fromUtf8Decoded(text: string): string | undefined {
  let ascii = true
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0xfffd) return undefined
    if (code > 0x7f) ascii = false
  }
  return ascii ? text : Buffer.from(text, 'utf8').toString('latin1')
}
