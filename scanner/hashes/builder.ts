import { createHash, randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { messageOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'
import { BloomFilter } from './bloom-filter.js'
import {
  DIGEST_BYTES,
  HEADER_BYTES,
  INDEX_BYTES,
  MAGIC,
  MAX_NAME,
  recordBytes,
  type Algorithm,
  type Header,
  type ListKind,
  type Section,
} from './format.js'

/** Records are spread over this many buckets by their first byte, each small enough to be sorted in memory. */
const BUCKETS = 256
/** Records of a bucket that are written out together. */
const CHUNK = 512
/** Records that one bucket may hold: their numbers take the low bits of its sort keys. */
const MAX_BUCKET = 2 ** 21
/** Names that are remembered so as not to be written again: lists name few families, many times. */
const REMEMBERED_NAMES = 65_536

interface Bucket {
  readonly chunk: Buffer
  /** Bytes in `chunk`. */
  used: number
  /** Offsets of full chunks in the temporary file. */
  readonly chunks: number[]
}

interface OpenSection {
  readonly algorithm: Algorithm
  readonly kind: ListKind
  readonly buckets: readonly Bucket[]
  count: number
}

/**
 * Builds a hash database of any number of digests in a memory that does not grow with them: they are spread over buckets in
 * a temporary file beside the target, and each bucket is sorted alone.
 */
export class HashDatabaseBuilder {
  readonly #sections = new Map<string, OpenSection>()
  readonly #names = new Map<string, number>()
  readonly #chunks: Scratch
  readonly #nameFile: Scratch
  readonly #nameLengths = Buffer.alloc(2)
  #nameSpace = 0

  /** @param target the file that {@link finish} replaces */
  constructor(readonly target: string) {
    this.#chunks = new Scratch(target)
    this.#nameFile = new Scratch(target)
  }

  /**
   * @param digest bytes that begin at `at`; they are copied
   * @throws ScanError `SCAN_HASH_LIST` when there are more names than a database can hold
   */
  add(kind: ListKind, algorithm: Algorithm, digest: Buffer, at: number, name: string): void {
    const section = this.#section(kind, algorithm)
    const size = DIGEST_BYTES[algorithm]
    const bucket = section.buckets[digest[at] ?? 0]
    if (!bucket) return
    digest.copy(bucket.chunk, bucket.used, at, at + size)
    bucket.chunk.writeUInt32LE(this.#nameOffset(name), bucket.used + size)
    bucket.used += recordBytes(algorithm)
    section.count++
    if (bucket.used < bucket.chunk.length) return
    bucket.chunks.push(this.#chunks.append(bucket.chunk))
    bucket.used = 0
  }

  /**
   * Writes the database and puts it in the place of the old one in one step.
   * @returns different digests by section
   */
  finish(): readonly Section[] {
    const path = `${this.target}.${randomUUID()}.new`
    try {
      const output = openSync(path, 'wx', 0o600)
      let header
      try {
        header = this.#write(output)
        fsyncSync(output)
      } finally {
        closeSync(output)
      }
      renameSync(path, this.target)
      syncFolder(dirname(this.target))
      return header.sections
    } catch (cause) {
      rmSync(path, { force: true })
      throw cause instanceof ScanError
        ? cause
        : new ScanError('SCAN_HASH_LIST', `cannot write ${this.target}: ${messageOf(cause)}`, { cause })
    } finally {
      this.discard()
    }
  }

  /** Removes what is only temporary. */
  discard(): void {
    this.#chunks.remove()
    this.#nameFile.remove()
  }

  #write(output: number): Header {
    let at = HEADER_BYTES
    const sections: Section[] = []
    for (const section of this.#sections.values()) {
      const filter = BloomFilter.for(section.count)
      const bloom = { offset: at, length: filter.words.byteLength }
      const index = { offset: bloom.offset + bloom.length }
      const records = { offset: index.offset + INDEX_BYTES }
      const starts = new Uint32Array(INDEX_BYTES / 4)
      const hash = createHash('sha256')
      const size = recordBytes(section.algorithm)
      let count = 0
      for (const bucket of section.buckets) {
        const sorted = sortBucket(this.#read(bucket), section.algorithm)
        hash.update(sorted)
        for (let record = 0; record < sorted.length; record += size) {
          filter.add(sorted, record)
          const next = sorted.readUInt16BE(record) + 1
          starts[next] = (starts[next] ?? 0) + 1
        }
        writeExactly(output, sorted, records.offset + count * size)
        count += sorted.length / size
      }
      for (let step = 1; step < starts.length; step++)
        starts[step] = (starts[step] ?? 0) + (starts[step - 1] ?? 0)
      const head = Buffer.concat([Buffer.from(filter.words.buffer), Buffer.from(starts.buffer)])
      writeExactly(output, head, bloom.offset)
      at = records.offset + count * size
      at += (4 - (at % 4)) % 4
      sections.push({
        algorithm: section.algorithm,
        kind: section.kind,
        count,
        bloom,
        index,
        records,
        head_sha256: createHash('sha256').update(head).digest('hex'),
        records_sha256: hash.digest('hex'),
      })
    }
    const names = { offset: at, length: this.#nameSpace, sha256: this.#nameFile.copyTo(output, at) }
    const header: Header = { sections, names }
    const text = Buffer.from(JSON.stringify(header))
    const block = Buffer.alloc(HEADER_BYTES)
    block.write(MAGIC, 'latin1')
    block.writeUInt32LE(text.length, MAGIC.length)
    text.copy(block, MAGIC.length + 4)
    writeExactly(output, block, 0)
    return header
  }

  #section(kind: ListKind, algorithm: Algorithm): OpenSection {
    const key = `${kind} ${algorithm}`
    let section = this.#sections.get(key)
    if (!section) {
      const bytes = CHUNK * recordBytes(algorithm)
      const buckets = Array.from({ length: BUCKETS }, () => ({
        chunk: Buffer.alloc(bytes),
        used: 0,
        chunks: [],
      }))
      section = { algorithm, kind, buckets, count: 0 }
      this.#sections.set(key, section)
    }
    return section
  }

  #read({ chunk, used, chunks }: Bucket): Buffer {
    const all = Buffer.allocUnsafe(chunks.length * chunk.length + used)
    for (const [index, offset] of chunks.entries())
      this.#chunks.read(all.subarray(index * chunk.length, (index + 1) * chunk.length), offset)
    chunk.copy(all, chunks.length * chunk.length, 0, used)
    return all
  }

  #nameOffset(name: string): number {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const offset = this.#nameSpace
    const text = Buffer.from(name, 'utf8').subarray(0, MAX_NAME)
    if (offset + 2 + text.length >= 2 ** 32)
      throw new ScanError('SCAN_HASH_LIST', 'the names of all entries take more than 4 GiB')
    this.#nameLengths.writeUInt16LE(text.length)
    this.#nameFile.append(this.#nameLengths)
    this.#nameFile.append(text)
    this.#nameSpace += 2 + text.length
    if (this.#names.size >= REMEMBERED_NAMES) this.#names.clear()
    this.#names.set(name, offset)
    return offset
  }
}

/** Sorts records and leaves out digests that were there before. */
function sortBucket(records: Buffer, algorithm: Algorithm): Buffer {
  const size = recordBytes(algorithm)
  const digest = DIGEST_BYTES[algorithm]
  const count = records.length / size
  if (count > MAX_BUCKET)
    throw new ScanError(
      'SCAN_HASH_LIST',
      `more than ${MAX_BUCKET} ${algorithm} digests begin with the same byte`,
    )
  // One number for each record, which the engine sorts without calling back: four bytes of the digest, then its place.
  const keys = new Float64Array(count)
  for (let record = 0; record < count; record++)
    keys[record] = records.readUInt32BE(record * size + 1) * MAX_BUCKET + record
  keys.sort()
  const order = Uint32Array.from(keys, (key) => key % MAX_BUCKET)
  const compare = (a: number, b: number): number =>
    records.compare(records, b * size, b * size + digest, a * size, a * size + digest) || a - b
  for (let start = 0, end = 0; start < count; start = end) {
    const prefix = Math.floor((keys[start] ?? 0) / MAX_BUCKET)
    for (end = start + 1; end < count && Math.floor((keys[end] ?? 0) / MAX_BUCKET) === prefix;) end++
    if (end - start > 1) order.subarray(start, end).sort(compare)
  }
  const sorted = Buffer.allocUnsafe(records.length)
  let length = 0
  for (const record of order) {
    const at = record * size
    if (length > 0 && records.compare(sorted, length - size, length - size + digest, at, at + digest) === 0)
      continue
    records.copy(sorted, length, at, at + size)
    length += size
  }
  return sorted.subarray(0, length)
}

function writeExactly(descriptor: number, bytes: Uint8Array, at: number): void {
  let done = 0
  while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done, at + done)
}

const syncFolder = (folder: string): void => {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A temporary file without a name, written at its end through a buffer. */
class Scratch {
  readonly #descriptor: number
  readonly #buffer = Buffer.alloc(1024 * 1024)
  #used = 0
  /** Bytes in the file. */
  #length = 0
  #isOpen = true

  constructor(beside: string) {
    const path = `${beside}.${randomUUID()}.tmp`
    try {
      this.#descriptor = openSync(path, 'wx+', 0o600)
    } catch (cause) {
      throw new ScanError('SCAN_HASH_LIST', `cannot write beside ${beside}: ${messageOf(cause)}`, { cause })
    }
    rmSync(path)
  }

  /** @returns the offset at which the bytes are */
  append(bytes: Buffer): number {
    if (this.#used + bytes.length > this.#buffer.length) this.#flush()
    const offset = this.#length + this.#used
    bytes.copy(this.#buffer, this.#used)
    this.#used += bytes.length
    return offset
  }

  read(into: Buffer, at: number): void {
    this.#flush()
    let done = 0
    while (done < into.length) {
      const read = readSync(this.#descriptor, into, done, into.length - done, at + done)
      if (read === 0) throw new ScanError('SCAN_HASH_LIST', 'a temporary file was cut short')
      done += read
    }
  }

  /** @returns SHA-256 of all */
  copyTo(output: number, at: number): string {
    const hash = createHash('sha256')
    this.#flush()
    for (let done = 0; done < this.#length;) {
      const piece = this.#buffer.subarray(0, Math.min(this.#buffer.length, this.#length - done))
      this.read(piece, done)
      hash.update(piece)
      writeExactly(output, piece, at + done)
      done += piece.length
    }
    return hash.digest('hex')
  }

  remove(): void {
    if (this.#isOpen) closeSync(this.#descriptor)
    this.#isOpen = false
  }

  #flush(): void {
    writeExactly(this.#descriptor, this.#buffer.subarray(0, this.#used), this.#length)
    this.#length += this.#used
    this.#used = 0
  }
}
