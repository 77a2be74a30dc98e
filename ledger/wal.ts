/**
 * The write-ahead log: the only place where entries are kept, and what makes an append durable.
 *
 * Many submitters share one fdatasync (group commit). What one `append` brings stands in one frame, so that it is there as
 * a whole or not at all. After a failed write or sync nothing is acknowledged any more: the process has to end and
 * recover by reading.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Disk, DiskFile } from './disk.js'
import { LedgerError } from './errors.js'
import {
  decodeFrameHeader,
  decodeFramePayload,
  encodeFrame,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  MAX_ENTRY_BYTES,
  MAX_FRAME_PAYLOAD_BYTES,
  SALT_BYTES,
  SEGMENT_HEADER_BYTES,
} from './wal-frame.js'
import { crc32c } from './crc32c.js'
import { FrameTable } from './wal-frame-table.js'
import { recover, segmentName } from './wal-recovery.js'
import type { Recovery } from './wal-recovery.js'

/** A group is closed once it holds this much; a single append may be larger, up to the frame's own limit. */
const GROUP_BYTES = 1024 * 1024
const GROUP_ENTRIES = 8_192
/** Decoded frames that are kept for readers. */
const CACHED_FRAMES = 8
export const DEFAULT_SEGMENT_BYTES = 32 * 1024 * 1024

export interface WalOptions {
  readonly disk: Disk
  /** Its folder; made when it is not there. */
  readonly directory: string
  /** Entries that a recorded checkpoint covers. */
  readonly minimum: number
  readonly segmentBytes?: number
  /** Leaves the files as they are: nothing is repaired, and nothing can be appended. */
  readonly readOnly?: boolean
  /** Called for every group in order while the log is read, before `openWal` resolves. */
  readonly onRecovered: (first: number, entries: readonly Uint8Array[]) => void
}

interface Submission {
  readonly entries: readonly Uint8Array[]
  readonly bytes: number
  readonly first: number
  readonly resolve: (first: number) => void
  readonly reject: (error: LedgerError) => void
}

interface ActiveSegment {
  readonly file: DiskFile
  readonly first: number
  readonly seed: number
  end: number
}

/**
 * What a group of entries takes in the log.
 *
 * @throws LedgerError `TOO_LARGE` for an entry or a group over the format's limits
 */
export function groupBytes(entries: readonly Uint8Array[]): number {
  let bytes = 0
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) {
      const message = `an entry has ${entry.length} bytes, the limit is ${MAX_ENTRY_BYTES}`
      throw new LedgerError('TOO_LARGE', message)
    }
    bytes += 2 + entry.length
  }
  if (entries.length === 0 || bytes > MAX_FRAME_PAYLOAD_BYTES) {
    const message = `a group has ${entries.length} entries and ${bytes} bytes, the limit is ${MAX_FRAME_PAYLOAD_BYTES}`
    throw new LedgerError('TOO_LARGE', message)
  }
  return bytes
}

/**
 * Opens the log and reads all of it.
 *
 * @throws LedgerError `WAL_DAMAGED`, see `recover`.
 */
export async function openWal(options: WalOptions): Promise<WriteAheadLog> {
  if (!options.readOnly) await options.disk.makeDirectory(options.directory)
  const frames = new FrameTable()
  const recovery = await recover({
    disk: options.disk,
    directory: options.directory,
    minimum: options.minimum,
    ...(options.readOnly && { readOnly: true }),
    onFrame: (location, seed, entries) => {
      frames.push(location, seed)
      options.onRecovered(location.first, entries)
    },
  })
  return new WriteAheadLog(options, frames, recovery)
}

export class WriteAheadLog {
  /** What recovery cut off, when it did. */
  readonly truncated: Recovery['truncated']
  readonly #disk: Disk
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #frames: FrameTable
  readonly #cache = new Map<number, readonly Uint8Array[]>()
  #active: ActiveSegment | undefined
  #assigned: number
  #queue: Submission[] = []
  #running: Promise<void> | undefined
  #failure: LedgerError | undefined
  #closed = false

  /** Use `openWal`. */
  constructor(options: WalOptions, frames: FrameTable, recovery: Recovery) {
    this.#disk = options.disk
    this.#directory = options.directory
    this.#segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES
    this.#frames = frames
    this.#active = recovery.active && { ...recovery.active }
    this.#assigned = recovery.next
    this.truncated = recovery.truncated
    this.#closed = options.readOnly ?? false
  }

  /** Number of durable entries. */
  get size(): number {
    return this.#frames.entries
  }

  /** Index that the next append gives its first entry. */
  get next(): number {
    return this.#assigned
  }

  /**
   * Appends all of `entries` or none, in one step; appends keep the order of their calls. Resolves with the index of the
   * first one once all are durable.
   *
   * @throws LedgerError `TOO_LARGE` for an entry or a group over the format's limits, `WAL_FAILED` once a write or sync
   * has failed (also for earlier appends that wait), `STOPPED` after `close`.
   */
  append(entries: readonly Uint8Array[]): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#closed) return Promise.reject(new LedgerError('STOPPED', 'the write-ahead log is closed'))
    let bytes: number
    try {
      bytes = groupBytes(entries)
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
    const first = this.#assigned
    this.#assigned += entries.length
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries, bytes, first, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /**
   * Entries `first` to `first + count - 1` as they were appended.
   *
   * @throws LedgerError `NOT_FOUND` past the durable end, `WAL_DAMAGED` when the bytes do not match their checksum.
   */
  async read(first: number, count: number): Promise<readonly Uint8Array[]> {
    if (first < 0 || count < 0 || first + count > this.size) {
      throw new LedgerError('NOT_FOUND', `entries ${first} to ${first + count - 1} are not all in the log`)
    }
    const result: Uint8Array[] = []
    let index = first
    while (index < first + count) {
      const position = this.#frames.find(index)
      const frame = this.#frames.at(position)
      const entries = await this.#readFrame(position)
      const from = index - frame.first
      const slice = entries.slice(from, from + first + count - index)
      result.push(...slice)
      index += slice.length
    }
    return result
  }

  /** Ends after what was submitted is durable. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    await this.#active?.file.close()
    this.#active = undefined
  }

  async #run(): Promise<void> {
    // Everything that is submitted in this turn of the event loop joins the first group.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const group = this.#nextGroup()
      try {
        await this.#commit(group)
      } catch (cause) {
        this.#fail(group, cause)
        break
      }
      for (const submission of group) submission.resolve(submission.first)
    }
    this.#running = undefined
  }

  #nextGroup(): readonly Submission[] {
    let bytes = 0
    let entries = 0
    let taken = 0
    for (const submission of this.#queue) {
      bytes += submission.bytes
      entries += submission.entries.length
      if (taken > 0 && (bytes > GROUP_BYTES || entries > GROUP_ENTRIES)) break
      taken++
    }
    return this.#queue.splice(0, taken)
  }

  async #commit(group: readonly Submission[]): Promise<void> {
    const entries = group.flatMap((submission) => submission.entries)
    const first = this.#frames.entries
    const bytes = group.reduce((sum, submission) => sum + submission.bytes, FRAME_HEADER_BYTES)
    const segment = await this.#segmentFor(first, bytes)
    const frame = encodeFrame(segment.seed, first, entries)
    await segment.file.write(segment.end, frame)
    await segment.file.sync()
    const location = { segment: segment.first, offset: segment.end, first, count: entries.length }
    this.#frames.push(location, segment.seed)
    segment.end += frame.length
  }

  async #segmentFor(first: number, bytes: number): Promise<ActiveSegment> {
    const active = this.#active
    if (active !== undefined) {
      if (active.end === SEGMENT_HEADER_BYTES || active.end + bytes <= this.#segmentBytes) return active
      await active.file.close()
      this.#active = undefined
    }
    const salt = randomBytes(SALT_BYTES)
    const file = await this.#disk.create(join(this.#directory, segmentName(first)))
    await file.write(0, encodeSegmentHeader(first, salt))
    await file.sync()
    await this.#disk.syncDirectory(this.#directory)
    this.#active = { file, first, seed: crc32c(salt), end: SEGMENT_HEADER_BYTES }
    return this.#active
  }

  #fail(group: readonly Submission[], cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const failure = new LedgerError('WAL_FAILED', `the write-ahead log cannot be made durable: ${reason}`, {
      cause,
    })
    this.#failure = failure
    const waiting = this.#queue
    this.#queue = []
    for (const submission of group) submission.reject(failure)
    for (const submission of waiting) submission.reject(failure)
  }

  async #readFrame(position: number): Promise<readonly Uint8Array[]> {
    const cached = this.#cache.get(position)
    if (cached !== undefined) return cached
    const frame = this.#frames.at(position)
    const name = segmentName(frame.segment)
    const file = await this.#disk.open(join(this.#directory, name))
    try {
      const head = await file.read(frame.offset, FRAME_HEADER_BYTES)
      const header = decodeFrameHeader(frame.seed, head, 0)
      const payload = header && (await file.read(frame.offset + FRAME_HEADER_BYTES, header.length))
      const entries = header && payload && decodeFramePayload(frame.seed, header, payload)
      if (entries === undefined || header?.first !== frame.first || header.count !== frame.count) {
        const message = `write-ahead log ${name} is damaged at offset ${frame.offset}: it is not what was written`
        throw new LedgerError('WAL_DAMAGED', message, { detail: { file: name, offset: frame.offset } })
      }
      this.#cache.set(position, entries)
      for (const oldest of this.#cache.keys()) {
        if (this.#cache.size <= CACHED_FRAMES) break
        this.#cache.delete(oldest)
      }
      return entries
    } finally {
      await file.close()
    }
  }
}
