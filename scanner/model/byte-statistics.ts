import { isLetter } from './php-lexer.js'

/** Shannon entropy of a range, bits a byte. */
export function entropy(bytes: Buffer, start: number, end: number): number {
  if (end <= start) return 0
  const counts = new Float64Array(256)
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    counts[byte] = (counts[byte] ?? 0) + 1
  }
  let sum = 0
  for (const count of counts) if (count > 0) sum -= count * Math.log2(count / (end - start))
  return sum / (end - start)
}

/** Encoded: long, and made of nothing but the letters of Base64 or of hexadecimal, or mostly of escapes or raw bytes. */
export function stringShape(
  bytes: Buffer,
  start: number,
  end: number,
): { escapes: number; encoded: boolean } {
  let escapes = 0
  let plain = 0
  let raw = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === 0x5c) {
      const next = bytes[at + 1] ?? 0
      if (next === 0x78 || next === 0x58 || (next >= 0x30 && next <= 0x37)) escapes++
    } else if (
      isLetter(byte) ||
      (byte >= 0x30 && byte <= 0x39) ||
      byte === 0x2b ||
      byte === 0x2f ||
      byte === 0x3d
    )
      if (byte >= 0x80) raw++
      else plain++
    else if (byte < 0x09) raw++
  }
  const length = end - start
  const encoded = length >= 64 && (plain === length || escapes * 4 >= length / 2 || raw >= length / 2)
  return { escapes, encoded }
}

/** How many lines there are, bytes of the longest, and how often code is pushed out of the window of an editor. */
export function lineShape(bytes: Buffer): { lines: number; longest: number; hidden: number } {
  let lines = 1
  let longest = 0
  let lineStart = 0
  let spaces = 0
  let hidden = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === 0x0a) {
      longest = Math.max(longest, at - lineStart)
      lineStart = at + 1
      lines++
      spaces = 0
    } else if (byte === 0x20 || byte === 0x09) spaces++
    else {
      if (spaces >= 200) hidden++
      spaces = 0
    }
  }
  return { lines, longest: Math.max(longest, bytes.length - lineStart), hidden }
}
