import { Buffer, isUtf8 } from 'node:buffer'

/** Whether two byte strings are the same. Not constant-time: for public data only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** Byte order of two byte strings: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** The UTF-8 bytes of a well-formed string. A lone surrogate would become U+FFFD, so callers check first. */
export function utf8Bytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

/**
 * Decodes strict UTF-8: no overlong forms, no surrogates, and a leading byte order mark stays a character.
 *
 * @returns the text, or `undefined` when the bytes are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? viewOf(bytes).toString('utf8') : undefined
}

/** A Buffer over the same memory. */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** One new byte string out of several. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  return viewOf(bytes).toString('hex')
}

/** @returns the bytes, or `undefined` when `text` is not an even number of lower-case hexadecimal digits */
export function decodeHex(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-f]*$/.test(text) ? Buffer.from(text, 'hex') : undefined
}
