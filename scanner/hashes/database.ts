import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { messageOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'
import { BloomFilter } from './bloom-filter.js'
import {
  DIGEST_BYTES,
  HEADER_BYTES,
  headerSchema,
  INDEX_BYTES,
  MAGIC,
  recordBytes,
  type Algorithm,
  type Header,
  type ListKind,
  type Section,
} from './format.js'

interface OpenSection extends Section {
  readonly filter: BloomFilter
  readonly starts: Uint32Array
}

/** Bytes read at once where a whole file is read. */
const PIECE = 1024 * 1024
/** Names that are remembered while a whole file is read: lists name few families, many times. */
const REMEMBERED_NAMES = 65_536

/** Whether a file says by its first bytes that it is a hash database. */
export function isHashDatabase(path: string): boolean {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw new ScanError('SCAN_HASH_LIST', `cannot read the hash list ${path}`, { cause })
  }
  try {
    const magic = Buffer.alloc(MAGIC.length)
    readSync(descriptor, magic)
    return magic.toString('latin1') === MAGIC
  } catch (cause) {
    throw new ScanError('SCAN_HASH_LIST', `cannot read the hash list ${path}`, { cause })
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Known digests with their names. Only the filters and a small index are in memory; what a filter does not rule out is looked
 * up among the full digests in the file, so a hit is never a guess.
 */
export class HashDatabase {
  /** A record and those near it: an index step of a large list. */
  #records = Buffer.alloc(64 * 1024)

  private constructor(
    readonly path: string,
    readonly descriptor: number,
    readonly header: Header,
    readonly sections: readonly OpenSection[],
  ) {}

  /**
   * @param check read the whole file and compare it with its checksums
   * @throws ScanError `SCAN_HASH_LIST` when it is damaged or no hash database
   */
  static open(path: string, { check = false } = {}): HashDatabase {
    let descriptor: number | undefined
    try {
      descriptor = openSync(path, 'r')
      const header = readHeader(descriptor)
      const sections = header.sections.map((section) => openSection(descriptor ?? -1, section))
      if (check) checkWhole(descriptor, header)
      return new HashDatabase(path, descriptor, header, sections)
    } catch (cause) {
      if (descriptor !== undefined) closeSync(descriptor)
      const why = cause instanceof ScanError ? cause.message : messageOf(cause)
      throw new ScanError('SCAN_HASH_LIST', `${path}: not a usable hash database: ${why}`, { cause })
    }
  }

  close(): void {
    closeSync(this.descriptor)
  }

  has(algorithm: Algorithm): boolean {
    return this.sections.some((section) => section.algorithm === algorithm)
  }

  /** The name under which a digest is listed; undefined: it is not. */
  find(kind: ListKind, algorithm: Algorithm, digest: Buffer): string | undefined {
    for (const section of this.sections)
      if (section.algorithm === algorithm && section.kind === kind && section.filter.mayHave(digest, 0)) {
        const name = this.#search(section, digest)
        if (name !== undefined) return name
      }
    return undefined
  }

  /**
   * Hands out every entry. The digest begins at `at` of bytes that are used again for the next ones.
   * @throws ScanError `SCAN_HASH_LIST` when the file is shorter than it says
   */
  each(visit: (kind: ListKind, algorithm: Algorithm, bytes: Buffer, at: number, name: string) => void): void {
    const names = new Map<number, string>()
    const nameOf = (offset: number): string => {
      let name = names.get(offset)
      if (name === undefined) {
        if (names.size >= REMEMBERED_NAMES) names.clear()
        names.set(offset, (name = this.#nameAt(offset)))
      }
      return name
    }
    for (const { algorithm, kind, count, records } of this.sections) {
      const size = recordBytes(algorithm)
      const piece = Buffer.alloc(Math.floor(PIECE / size) * size)
      for (let done = 0; done < count * size; done += piece.length) {
        const part = piece.subarray(0, Math.min(piece.length, count * size - done))
        readExactly(this.descriptor, part, records.offset + done)
        for (let at = 0; at < part.length; at += size)
          visit(kind, algorithm, part, at, nameOf(part.readUInt32LE(at + DIGEST_BYTES[algorithm])))
      }
    }
  }

  #search({ algorithm, starts, records }: OpenSection, digest: Buffer): string | undefined {
    const step = digest.readUInt16BE(0)
    const size = recordBytes(algorithm)
    const first = starts[step] ?? 0
    const length = ((starts[step + 1] ?? first) - first) * size
    if (length > this.#records.length) this.#records = Buffer.alloc(length)
    const found = this.#records
    readExactly(this.descriptor, found.subarray(0, length), records.offset + first * size)
    const bytes = DIGEST_BYTES[algorithm]
    let low = 0
    let high = length / size
    while (low < high) {
      const middle = (low + high) >>> 1
      const at = middle * size
      const order = digest.compare(found, at, at + bytes, 0, bytes)
      if (order === 0) return this.#nameAt(found.readUInt32LE(at + bytes))
      if (order > 0) low = middle + 1
      else high = middle
    }
    return undefined
  }

  #nameAt(offset: number): string {
    const length = Buffer.alloc(2)
    readExactly(this.descriptor, length, this.header.names.offset + offset)
    const name = Buffer.alloc(length.readUInt16LE())
    readExactly(this.descriptor, name, this.header.names.offset + offset + 2)
    return name.toString('utf8')
  }
}

function readExactly(descriptor: number, into: Buffer, at: number): void {
  let done = 0
  while (done < into.length) {
    const read = readSync(descriptor, into, done, into.length - done, at + done)
    if (read === 0) throw new ScanError('SCAN_HASH_LIST', 'the file is shorter than its header says')
    done += read
  }
}

function readHeader(descriptor: number): Header {
  const block = Buffer.alloc(HEADER_BYTES)
  readExactly(descriptor, block, 0)
  if (block.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new ScanError('SCAN_HASH_LIST', 'it does not begin as one, or is of another version')
  const length = block.readUInt32LE(MAGIC.length)
  const start = MAGIC.length + 4
  return headerSchema.parse(JSON.parse(block.toString('utf8', start, Math.min(start + length, HEADER_BYTES))))
}

function openSection(descriptor: number, section: Section): OpenSection {
  const head = new Uint8Array(section.bloom.length + INDEX_BYTES)
  const bytes = Buffer.from(head.buffer)
  readExactly(descriptor, bytes.subarray(0, section.bloom.length), section.bloom.offset)
  readExactly(descriptor, bytes.subarray(section.bloom.length), section.index.offset)
  if (createHash('sha256').update(bytes).digest('hex') !== section.head_sha256)
    throw new ScanError('SCAN_HASH_LIST', `the filter of its ${section.algorithm} section is damaged`)
  return {
    ...section,
    filter: new BloomFilter(new Int32Array(head.buffer, 0, section.bloom.length / 4)),
    starts: new Uint32Array(head.buffer, section.bloom.length, INDEX_BYTES / 4),
  }
}

function checkWhole(descriptor: number, { sections, names }: Header): void {
  const piece = Buffer.alloc(PIECE)
  const compare = (what: string, offset: number, length: number, expected: string): void => {
    const hash = createHash('sha256')
    for (let at = 0; at < length; at += PIECE) {
      const part = piece.subarray(0, Math.min(PIECE, length - at))
      readExactly(descriptor, part, offset + at)
      hash.update(part)
    }
    if (hash.digest('hex') !== expected)
      throw new ScanError('SCAN_HASH_LIST', `its ${what} are damaged: the checksum is another`)
  }
  for (const { algorithm, kind, count, records, records_sha256: sha256 } of sections)
    compare(`${kind} ${algorithm} digests`, records.offset, count * recordBytes(algorithm), sha256)
  compare('names', names.offset, names.length, names.sha256)
}
