/**
 * Reads the write-ahead log from its first byte.
 *
 * A frame is written only after the frame before it was synced, so that after a crash at most the last frame can be
 * damaged without anything being lost that was acknowledged. Recovery therefore truncates damage only where no frame
 * follows it and where at least `minimum` entries stand before it; any other damage is refused with its offset.
 */
import { join } from 'node:path'
import type { Disk, DiskFile } from './disk.js'
import { LedgerError } from './errors.js'
import {
  decodeFrameHeader,
  decodeFramePayload,
  decodeSegmentHeader,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  SEGMENT_HEADER_BYTES,
} from './wal-frame.js'

const SEGMENT_NAME = /^(\d{20})\.wal$/

export interface FrameLocation {
  /** First index of the segment that holds it. */
  readonly segment: number
  /** Offset of its header in that segment. */
  readonly offset: number
  /** Index of its first entry. */
  readonly first: number
  readonly count: number
}

export interface Recovery {
  /** Number of entries. */
  readonly next: number
  /** The segment to go on writing, open, with the offset of its end; absent when there is none yet. */
  readonly active?: {
    readonly file: DiskFile
    readonly first: number
    readonly seed: number
    readonly end: number
  }
  /** What was cut off: a group that was never acknowledged. */
  readonly truncated?: { readonly file: string; readonly offset: number; readonly bytes: number }
}

export interface RecoverOptions {
  readonly disk: Disk
  readonly directory: string
  /** Entries that were acknowledged for certain; fewer are damage, not a torn tail. */
  readonly minimum: number
  readonly onFrame: (location: FrameLocation, seed: number, entries: readonly Uint8Array[]) => void
  /** Nothing is cut off or written: what would be is only told. */
  readonly readOnly?: boolean
}

/** File name of the segment whose first entry is `first`. */
export function segmentName(first: number): string {
  return `${String(first).padStart(20, '0')}.wal`
}

/**
 * Reads every segment in order, gives each frame to `onFrame`, and leaves the last segment clean and durable.
 *
 * @throws LedgerError `WAL_DAMAGED` with the file and offset of damage that is not a torn tail.
 */
export async function recover(options: RecoverOptions): Promise<Recovery> {
  const { disk, directory } = options
  const firsts = await segmentFirsts(disk, directory)
  let next = 0
  for (const [position, first] of firsts.entries()) {
    const name = segmentName(first)
    const last = position === firsts.length - 1
    if (first !== next) {
      throw damaged(name, 0, `it starts with entry ${first}, but the entry before it is ${next - 1}`)
    }
    const file = await disk.open(join(directory, name))
    let keepOpen = false
    try {
      const bytes = await file.read(0, await file.size())
      const header = decodeSegmentHeader(bytes)
      if (header === undefined && last && bytes.length <= SEGMENT_HEADER_BYTES && next >= options.minimum) {
        // The crash came while the segment was being made; nothing was ever written behind this header.
        const truncated = { file: name, offset: 0, bytes: bytes.length }
        if (options.readOnly) return { next, truncated }
        await file.close()
        keepOpen = true
        await disk.remove(join(directory, name))
        await disk.syncDirectory(directory)
        return resumePrevious(options, firsts.slice(0, -1), next, truncated)
      }
      if (header === undefined || header.first !== first) throw damaged(name, 0, 'its header is damaged')
      const scan = scanFrames(options, name, header.seed, bytes, next)
      next = scan.next
      if (!last) {
        if (scan.end !== bytes.length) throw damaged(name, scan.end, scan.reason)
        continue
      }
      const torn = scan.end !== bytes.length
      if (torn) refuseUnlessTail(name, header.seed, bytes, scan.end, scan.reason, next, options.minimum)
      else if (next < options.minimum) throw missing(name, scan.end, next, options.minimum)
      const truncated = torn && { file: name, offset: scan.end, bytes: bytes.length - scan.end }
      if (options.readOnly) return { next, ...(truncated && { truncated }) }
      keepOpen = true
      await makeDurable(options, file, bytes, scan.lastFrame, scan.end)
      return {
        next,
        active: { file, first, seed: header.seed, end: scan.end },
        ...(truncated && { truncated }),
      }
    } finally {
      if (!keepOpen) await file.close()
    }
  }
  if (options.minimum > 0) throw missing(directory, 0, 0, options.minimum)
  return { next }
}

async function segmentFirsts(disk: Disk, directory: string): Promise<readonly number[]> {
  const firsts: number[] = []
  for (const name of await disk.list(directory)) {
    const match = SEGMENT_NAME.exec(name)
    if (match?.[1] !== undefined) firsts.push(Number(match[1]))
  }
  return firsts
}

/** Opens the segment before one that was never finished; it was read already, and is whole. */
async function resumePrevious(
  options: RecoverOptions,
  firsts: readonly number[],
  next: number,
  truncated: { readonly file: string; readonly offset: number; readonly bytes: number },
): Promise<Recovery> {
  const first = firsts.at(-1)
  if (first === undefined) return { next, truncated }
  const file = await options.disk.open(join(options.directory, segmentName(first)))
  const end = await file.size()
  const header = decodeSegmentHeader(await file.read(0, SEGMENT_HEADER_BYTES))
  if (header === undefined) throw damaged(segmentName(first), 0, 'its header is damaged')
  return { next, active: { file, first, seed: header.seed, end }, truncated }
}

interface Scan {
  readonly next: number
  /** Where the valid frames end. */
  readonly end: number
  readonly lastFrame: number | undefined
  readonly reason: string
}

function scanFrames(
  options: RecoverOptions,
  name: string,
  seed: number,
  bytes: Uint8Array,
  from: number,
): Scan {
  const segment = from
  let next = from
  let at = SEGMENT_HEADER_BYTES
  let lastFrame: number | undefined
  while (at < bytes.length) {
    const header = decodeFrameHeader(seed, bytes, at)
    if (header === undefined)
      return { next, end: at, lastFrame, reason: 'the frame header is damaged or cut off' }
    if (header.first !== next) {
      throw damaged(name, at, `a frame for entry ${header.first} stands where entry ${next} was due`)
    }
    const start = at + FRAME_HEADER_BYTES
    const payload = bytes.subarray(start, start + header.length)
    const entries = decodeFramePayload(seed, header, payload)
    if (entries === undefined) return { next, end: at, lastFrame, reason: 'the frame is damaged or cut off' }
    options.onFrame({ segment, offset: at, first: next, count: header.count }, seed, entries)
    lastFrame = at
    next += header.count
    at = start + header.length
  }
  return { next, end: at, lastFrame, reason: '' }
}

function refuseUnlessTail(
  name: string,
  seed: number,
  bytes: Uint8Array,
  end: number,
  reason: string,
  next: number,
  minimum: number,
): void {
  if (next < minimum) throw missing(name, end, next, minimum)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = buffer.indexOf(FRAME_MAGIC, end + 1)
  while (at !== -1) {
    if (decodeFrameHeader(seed, bytes, at) !== undefined) {
      throw damaged(name, end, `${reason}, and a valid frame follows at offset ${at}`)
    }
    at = buffer.indexOf(FRAME_MAGIC, at + 1)
  }
}

/**
 * Cuts the tail off and writes the last frame once more before it is synced: after a sync that failed, the page cache may
 * show bytes as clean that never reached the disk, so that a sync alone would not bring them there.
 */
async function makeDurable(
  options: RecoverOptions,
  file: DiskFile,
  bytes: Uint8Array,
  lastFrame: number | undefined,
  end: number,
): Promise<void> {
  if (end !== bytes.length) await file.truncate(end)
  const from = lastFrame ?? 0
  await file.write(from, bytes.subarray(from, end))
  await file.sync()
  await options.disk.syncDirectory(options.directory)
}

function damaged(file: string, offset: number, reason: string): LedgerError {
  return new LedgerError('WAL_DAMAGED', `write-ahead log ${file} is damaged at offset ${offset}: ${reason}`, {
    detail: { file, offset },
  })
}

function missing(file: string, offset: number, next: number, minimum: number): LedgerError {
  return damaged(
    file,
    offset,
    `${next} entries are readable, but a checkpoint of ${minimum} entries was recorded; restore the missing ones`,
  )
}
