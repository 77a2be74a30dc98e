/** A frame of a Zstandard content (RFC 8878, section 3.1). */
export interface ZstdFrame {
  /** Where it ends, as far as the content has it. */
  readonly end: number
  /** Bytes of memory that its decoder asks for; 0 for a frame to be skipped. */
  readonly window: number
}

const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
const RLE = 1

/** Finds the frame that starts at `at` by the sizes of its blocks; undefined when none does. */
export function zstdFrame(content: Buffer, at: number): ZstdFrame | undefined {
  if (at + 8 > content.length) return undefined
  const magic = content.readUInt32LE(at)
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE)
    return { end: Math.min(content.length, at + 8 + content.readUInt32LE(at + 4)), window: 0 }
  if (magic !== MAGIC) return undefined
  const { length, window, hasChecksum } = readHeader(content, at + 4)
  let end = at + 4 + length
  for (let isLast = false; !isLast && end + 3 <= content.length;) {
    const header = content.readUIntLE(end, 3)
    isLast = (header & 1) === 1
    end += 3 + (((header >> 1) & 3) === RLE ? 1 : header >> 3)
  }
  return { end: Math.min(content.length, end + (hasChecksum ? 4 : 0)), window }
}

function readHeader(
  content: Buffer,
  at: number,
): { readonly length: number; readonly window: number; readonly hasChecksum: boolean } {
  const descriptor = content[at] ?? 0
  const isSingle = (descriptor & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeLength = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const sizeAt = at + 1 + (isSingle ? 0 : 1) + dictionary
  const length = sizeAt + sizeLength - at
  const hasChecksum = (descriptor & 4) !== 0
  if (!isSingle) {
    const stated = content[at + 1] ?? 0
    const base = 2 ** (10 + (stated >> 3))
    return { length, window: base + (base / 8) * (stated & 7), hasChecksum }
  }
  const field = Buffer.alloc(8)
  content.copy(field, 0, sizeAt, sizeAt + sizeLength)
  const window = Number(field.readBigUInt64LE()) + (sizeLength === 2 ? 256 : 0)
  return { length, window, hasChecksum }
}
