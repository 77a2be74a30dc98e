/** CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as in RFC 3720 appendix B.4. */
const POLYNOMIAL = 0x82f63b78

/** Eight tables, so that eight bytes are folded at once. */
const TABLES = buildTables()

function buildTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let slice = 1; slice < 8; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const previous = tables[(slice - 1) * 256 + byte] ?? 0
      tables[slice * 256 + byte] = (previous >>> 8) ^ (tables[previous & 0xff] ?? 0)
    }
  }
  return tables
}

/**
 * Checksum of `bytes`, as an unsigned 32-bit number.
 *
 * @param seed - the checksum of what came before, to go on from it; 0 at the start.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const t = TABLES
  let crc = ~seed
  let at = 0
  // Every index below is inside its table or the array by construction; `|| 0` only satisfies the checker.
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^=
      (bytes[at] || 0) |
      ((bytes[at + 1] || 0) << 8) |
      ((bytes[at + 2] || 0) << 16) |
      ((bytes[at + 3] || 0) << 24)
    crc =
      (t[1792 + (crc & 0xff)] || 0) ^
      (t[1536 + ((crc >>> 8) & 0xff)] || 0) ^
      (t[1280 + ((crc >>> 16) & 0xff)] || 0) ^
      (t[1024 + (crc >>> 24)] || 0) ^
      (t[768 + (bytes[at + 4] || 0)] || 0) ^
      (t[512 + (bytes[at + 5] || 0)] || 0) ^
      (t[256 + (bytes[at + 6] || 0)] || 0) ^
      (t[bytes[at + 7] || 0] || 0)
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] || 0)) & 0xff] || 0)
  return ~crc >>> 0
}
