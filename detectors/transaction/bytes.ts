/** Bytes to a byte string: one char per byte. */
export function byteString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Text (UTF-16) to the byte string of its UTF-8 form. */
export function utf8ByteString(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

// Seven-bit text needs no conversion.
const SEVEN_BIT = /^[\0-\x7f]*$/

function isAscii(text: string): boolean {
  return SEVEN_BIT.test(text)
}
