/** What the central directory says of one member. */
export interface DirectoryEntry {
  /** Of its local header in the content. */
  readonly offset: number
  readonly flags: number
  readonly method: number
  readonly compressedSize: number
  readonly rawName: Buffer
}

export interface Directory {
  readonly entries: readonly DirectoryEntry[]
  /** The directory does not hold what its end record says. */
  readonly damage?: string
}

const END = Buffer.from('PK\x05\x06', 'latin1')
const END_LENGTH = 22
/** A comment has at most this many bytes. */
const COMMENT_LENGTH = 0xffff
const ENTRY = 0x02014b50
const ENTRY_LENGTH = 46
const END64 = 0x06064b50
const END64_LENGTH = 56
const LOCATOR64_LENGTH = 20
const ABSENT_32 = 0xffffffff

/**
 * Where the end record of a zip archive is, which may follow any other content.
 * @returns offsets, the last first: a comment may hold what looks like one
 */
function* endRecords(content: Buffer): Generator<number> {
  const tail = Math.max(0, content.length - END_LENGTH - COMMENT_LENGTH)
  const bytes = content.subarray(tail)
  for (let at = bytes.lastIndexOf(END); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(END, at - 1))
    if (at + END_LENGTH <= bytes.length) yield tail + at
}

/**
 * Reads the central directory of a zip archive (APPNOTE 4.3.12 to 4.3.16), also of one that is appended to something else.
 * @param most entries that are read
 * @returns undefined when there is none
 */
export function readDirectory(content: Buffer, most: number): Directory | undefined {
  let empty: Directory | undefined
  for (const end of endRecords(content)) {
    const directory = directoryBefore(content, end, most)
    if (directory.entries.length > 0) return directory
    if (!empty || directory.damage === undefined) empty = directory
  }
  return empty
}

function directoryBefore(content: Buffer, end: number, most: number): Directory {
  const { size, offset, count, start: endStart } = readEnd(content, end)
  // Offsets count from the archive's own start, which its directory's place tells when something stands before it.
  const isAtEnd = isEntry(content, endStart - size)
  const start = isAtEnd ? endStart - size : offset
  const shift = isAtEnd ? start - offset : 0
  const entries: DirectoryEntry[] = []
  for (let at = start; at < end && isEntry(content, at);) {
    const read = readEntry(content, at, shift)
    if (!read) break
    entries.push(read.entry)
    at = read.next
  }
  // The end record counts modulo 2^16 when a writer does not know of zip64.
  return entries.length === most || entries.length % 0x10000 === count % 0x10000
    ? { entries }
    : { entries, damage: `the directory has ${entries.length} of ${count} members` }
}

function readEnd(
  content: Buffer,
  end: number,
): { size: number; offset: number; count: number; start: number } {
  const plain = {
    count: content.readUInt16LE(end + 10),
    size: content.readUInt32LE(end + 12),
    offset: content.readUInt32LE(end + 16),
    start: end,
  }
  if (plain.count !== 0xffff && plain.size !== ABSENT_32 && plain.offset !== ABSENT_32) return plain
  // The locator's own offset is not needed: the zip64 end record stands right before it.
  const end64 = end - LOCATOR64_LENGTH - END64_LENGTH
  if (end64 < 0 || content.readUInt32LE(end64) !== END64) return plain
  return {
    count: Number(content.readBigUInt64LE(end64 + 32)),
    size: Number(content.readBigUInt64LE(end64 + 40)),
    offset: Number(content.readBigUInt64LE(end64 + 48)),
    start: end64,
  }
}

const isEntry = (content: Buffer, at: number): boolean =>
  at >= 0 && at + ENTRY_LENGTH <= content.length && content.readUInt32LE(at) === ENTRY

function readEntry(
  content: Buffer,
  at: number,
  shift: number,
): { entry: DirectoryEntry; next: number } | undefined {
  const nameEnd = at + ENTRY_LENGTH + content.readUInt16LE(at + 28)
  const extraEnd = nameEnd + content.readUInt16LE(at + 30)
  const next = extraEnd + content.readUInt16LE(at + 32)
  if (next > content.length) return undefined
  const sizes = wideSizes(content.subarray(nameEnd, extraEnd), {
    uncompressedSize: content.readUInt32LE(at + 24),
    compressedSize: content.readUInt32LE(at + 20),
    offset: content.readUInt32LE(at + 42),
  })
  const entry = {
    offset: sizes.offset + shift,
    flags: content.readUInt16LE(at + 8),
    method: content.readUInt16LE(at + 10),
    compressedSize: sizes.compressedSize,
    rawName: content.subarray(at + ENTRY_LENGTH, nameEnd),
  }
  return { entry, next }
}

export interface Sizes {
  readonly uncompressedSize: number
  readonly compressedSize: number
  readonly offset: number
}

/** Replaces what does not fit 32 bits by the zip64 field (APPNOTE 4.5.3), which holds just these values in this order. */
export function wideSizes(extra: Buffer, sizes: Sizes): Sizes {
  if (Math.max(sizes.uncompressedSize, sizes.compressedSize, sizes.offset) < ABSENT_32) return sizes
  for (let at = 0; at + 4 <= extra.length;) {
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2))
    if (extra.readUInt16LE(at) === 1) {
      let from = 0
      const wide = (value: number): number => {
        if (value !== ABSENT_32 || from + 8 > field.length) return value
        from += 8
        return Number(field.readBigUInt64LE(from - 8))
      }
      const uncompressedSize = wide(sizes.uncompressedSize)
      const compressedSize = wide(sizes.compressedSize)
      return { uncompressedSize, compressedSize, offset: wide(sizes.offset) }
    }
    at += 4 + extra.readUInt16LE(at + 2)
  }
  return sizes
}
