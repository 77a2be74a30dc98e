/**
 * Bytes of the write-ahead log. A segment is a header and then frames; a frame is one group commit: what one fdatasync
 * made durable. All numbers are big-endian.
 *
 *     segment header (48)   "PORTCWAL" · version u32 · reserved u32 · first index u64 · salt 16 B · reserved u32 · CRC u32
 *     frame header (28)     "PCFR" · payload length u32 · first index u64 · entry count u32 · payload CRC u32 · header CRC u32
 *     frame payload         (length u16 · entry bytes) × entry count
 *
 * Checksums of frames are CRC-32C seeded with the segment's random salt, which never leaves the file: an entry that holds
 * a copy of the format cannot pass for a frame when recovery looks for one.
 */
import { crc32c } from './crc32c.js'

const SEGMENT_MAGIC = Buffer.from('PORTCWAL', 'latin1')
const VERSION = 1
export const SEGMENT_HEADER_BYTES = 48
export const SALT_BYTES = 16

export const FRAME_MAGIC = Buffer.from('PCFR', 'latin1')
export const FRAME_HEADER_BYTES = 28

/** Longest entry: the uint16 of the entry bundle is the limit of the tlog-tiles format. */
export const MAX_ENTRY_BYTES = 65_535
/** Longest payload of one frame, so that a damaged length cannot ask for gigabytes. */
export const MAX_FRAME_PAYLOAD_BYTES = 32 * 1024 * 1024

export interface SegmentHeader {
  /** Index of the segment's first entry. */
  readonly first: number
  /** Where the checksums of its frames start. */
  readonly seed: number
}

export interface FrameHeader {
  readonly length: number
  readonly first: number
  readonly count: number
  readonly payloadCrc: number
}

export function encodeSegmentHeader(first: number, salt: Uint8Array): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  SEGMENT_MAGIC.copy(header, 0)
  header.writeUInt32BE(VERSION, 8)
  header.writeBigUInt64BE(BigInt(first), 16)
  header.set(salt, 24)
  header.writeUInt32BE(crc32c(header.subarray(0, SEGMENT_HEADER_BYTES - 4)), SEGMENT_HEADER_BYTES - 4)
  return header
}

/** The header at the start of `bytes`, or `undefined` when it is short, damaged or of another version. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined
  const header = view(bytes.subarray(0, SEGMENT_HEADER_BYTES))
  if (!header.subarray(0, 8).equals(SEGMENT_MAGIC) || header.readUInt32BE(8) !== VERSION) return undefined
  const crc = crc32c(header.subarray(0, SEGMENT_HEADER_BYTES - 4))
  if (crc !== header.readUInt32BE(SEGMENT_HEADER_BYTES - 4)) return undefined
  return { first: Number(header.readBigUInt64BE(16)), seed: crc32c(header.subarray(24, 24 + SALT_BYTES)) }
}

/** Bytes that a frame with these entries takes. */
export function frameBytes(entries: readonly Uint8Array[]): number {
  let total = FRAME_HEADER_BYTES
  for (const entry of entries) total += 2 + entry.length
  return total
}

export function encodeFrame(seed: number, first: number, entries: readonly Uint8Array[]): Buffer {
  const frame = Buffer.allocUnsafe(frameBytes(entries))
  let at = FRAME_HEADER_BYTES
  for (const entry of entries) {
    at = frame.writeUInt16BE(entry.length, at)
    frame.set(entry, at)
    at += entry.length
  }
  FRAME_MAGIC.copy(frame, 0)
  frame.writeUInt32BE(frame.length - FRAME_HEADER_BYTES, 4)
  frame.writeBigUInt64BE(BigInt(first), 8)
  frame.writeUInt32BE(entries.length, 16)
  frame.writeUInt32BE(crc32c(frame.subarray(FRAME_HEADER_BYTES), seed), 20)
  frame.writeUInt32BE(crc32c(frame.subarray(0, FRAME_HEADER_BYTES - 4), seed), FRAME_HEADER_BYTES - 4)
  return frame
}

/** The frame header at `at`, or `undefined` when no valid one stands there. */
export function decodeFrameHeader(seed: number, bytes: Uint8Array, at: number): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined
  const header = view(bytes.subarray(at, at + FRAME_HEADER_BYTES))
  if (!header.subarray(0, 4).equals(FRAME_MAGIC)) return undefined
  const crc = crc32c(header.subarray(0, FRAME_HEADER_BYTES - 4), seed)
  if (crc !== header.readUInt32BE(FRAME_HEADER_BYTES - 4)) return undefined
  const length = header.readUInt32BE(4)
  if (length > MAX_FRAME_PAYLOAD_BYTES) return undefined
  return {
    length,
    first: Number(header.readBigUInt64BE(8)),
    count: header.readUInt32BE(16),
    payloadCrc: header.readUInt32BE(20),
  }
}

/** The entries of a frame, or `undefined` when the payload is not what its header says. */
export function decodeFramePayload(
  seed: number,
  header: FrameHeader,
  payload: Uint8Array,
): readonly Uint8Array[] | undefined {
  if (payload.length !== header.length || crc32c(payload, seed) !== header.payloadCrc) return undefined
  const bytes = view(payload)
  const entries: Uint8Array[] = []
  let at = 0
  while (at + 2 <= bytes.length) {
    const length = bytes.readUInt16BE(at)
    if (at + 2 + length > bytes.length) return undefined
    entries.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return at === bytes.length && entries.length === header.count ? entries : undefined
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
