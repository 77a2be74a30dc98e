/** Bytes to a byte string: one char per byte. */
export function byteString(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('latin1')
}

/**
 * Whether a byte string is `lower`, which is ASCII in lower case, but for the case of letters. Most names of a message differ in length from what is
 * looked for, the others in their first letters, so no string is made for it.
 */
export function sameToken(name: string, lower: string): boolean {
  if (name.length !== lower.length) return false
  for (let at = 0; at < lower.length; at++) {
    const code = name.charCodeAt(at)
    if ((code >= 0x41 && code <= 0x5a ? code | 0x20 : code) !== lower.charCodeAt(at)) return false
  }
  return true
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
