/** Classes of bytes in HTTP/1.1 messages; {@link CLASSES} has their union for each byte. */

/** `tchar` (RFC 9110 section 5.6.2): methods, field names, chunk extension names. */
export const TOKEN = 1
/** What a field value may hold (RFC 9110 section 5.5): visible, `obs-text`, space and tab. */
export const VALUE = 2
/**
 * What may stand in a request target: all but controls and space. That is more than RFC 3986 allows: what an application
 * may do with `"` or a byte over 0x7F is for the rules to judge, so they have to see it.
 */
export const TARGET = 4
/** `qdtext` (RFC 9110 section 5.6.4), in the quoted string of a chunk extension. */
export const QUOTED = 8

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const DQUOTE = 0x22
export const ZERO = 0x30
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const EQUALS = 0x3d
export const BACKSLASH = 0x5c

export const CLASSES: Uint8Array = classes()
/** The value of a hexadecimal digit, 255 for any other byte. */
export const HEX: Uint8Array = hexDigits()

function classes(): Uint8Array {
  const table = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte)
    let found = 0
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char)) found |= TOKEN
    if (byte === HTAB || (byte >= SP && byte !== 0x7f)) found |= VALUE
    if (byte > SP && byte !== 0x7f) found |= TARGET
    if ((found & VALUE) !== 0 && byte !== DQUOTE && byte !== BACKSLASH) found |= QUOTED
    table[byte] = found
  }
  return table
}

function hexDigits(): Uint8Array {
  const table = new Uint8Array(256).fill(255)
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16)
    table[digit.charCodeAt(0)] = value
    table[digit.toUpperCase().charCodeAt(0)] = value
  }
  return table
}
