import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { libarchiveWasm } from 'libarchive-wasm'
import { messageOf } from '../../runtime/errors.js'
import { isIso } from './iso.js'
import type { Opened } from './opened.js'
import type { Packed } from './unpack-types.js'
import { Collector, type Decode, type Unpacked } from './unpacked.js'
import { lonelyMember } from './zip-writer.js'

/** The instance's memory, which has no types. */
interface Memory {
  readonly HEAPU8: Uint8Array
  /** @returns 0 when there is no more */
  _malloc(size: number): number
}

/** Bytes that are read at once. */
const PIECE = 64 * 1024

/** S_IFREG. */
const REGULAR = 0o100000

/** What we use of WebAssembly, whose types come with those of browsers only. */
const { Module, Instance } = (
  globalThis as unknown as {
    readonly WebAssembly: {
      readonly Module: new (bytes: Uint8Array) => object
      readonly Instance: new (module: object, imports: object) => object
    }
  }
).WebAssembly

let compiled: object | undefined

/** A new instance of the library, with a memory of its own; compiled once, which takes most of the time. */
const instantiate = () =>
  libarchiveWasm({
    instantiateWasm(imports: object, done: (instance: object) => void) {
      compiled ??= new Module(
        readFileSync(createRequire(import.meta.url).resolve('libarchive-wasm/dist/libarchive.wasm')),
      )
      done(new Instance(compiled, imports))
    },
  })

/**
 * Reads an archive by libarchive in WebAssembly. Each archive has an instance of its own, so that what one breaks in its memory
 * ends with it.
 */
class Reader {
  private constructor(
    readonly library: Awaited<ReturnType<typeof libarchiveWasm>>,
    readonly memory: Memory,
    readonly archive: number,
    readonly piece: number,
  ) {}

  /**
   * @param padding bytes of zeros behind it
   * @throws Error of what is no archive
   */
  static async open(content: Buffer, padding = 0): Promise<Reader> {
    const library = await instantiate()
    const memory = library.module as Memory
    const size = content.length + padding
    const at = memory._malloc(size)
    if (at === 0) throw new Error('no memory for it')
    memory.HEAPU8.set(content, at)
    memory.HEAPU8.fill(0, at + content.length, at + size)
    const archive = library.read_new_memory(at, size)
    return new Reader(library, memory, archive, memory._malloc(PIECE))
  }

  /** Hands out what the current entry holds. */
  read(into: Collector): void {
    for (;;) {
      const read = this.library.read_data(this.archive, this.piece, PIECE)
      if (read <= 0) return
      into.add(Buffer.from(this.memory.HEAPU8.subarray(this.piece, this.piece + read)))
    }
  }

  /** What went wrong last; undefined for nothing. */
  get error(): string | undefined {
    return this.library.error_string(this.archive) || undefined
  }
}

/** More than libarchive looks through for the end record of a zip archive. */
const TAIL = 64 * 1024

/**
 * Opens 7z, RAR, CAB, ISO 9660, cpio and ar archives. What is several of them at once, libarchive reads as the one that it
 * believes most: a zip archive at the end of a RAR is kept from it, and an ISO image within another kind is told.
 */
export async function openByLibarchive({ content, kind }: Packed, opened: Opened): Promise<number> {
  let name: string | undefined
  if (kind !== 'iso' && isIso(content)) opened.say('damaged_archive', undefined, 'it is an ISO image too')
  try {
    const reader = await Reader.open(content, kind === 'rar' ? TAIL : 0)
    const { library, archive } = reader
    for (
      let entry = library.read_next_entry(archive);
      entry !== 0;
      entry = library.read_next_entry(archive)
    ) {
      name = library.entry_pathname(entry) || 'content'
      if (library.entry_filetype(entry) !== REGULAR) continue
      if (!opened.budget.admit()) return 0
      if (library.entry_is_encrypted(entry) !== 0) {
        opened.say('encrypted_member', name)
        continue
      }
      const collector = new Collector(opened.budget.room(content.length), opened.budget.end)
      const unpacked = await collector.collect(
        () => reader.read(collector),
        () => content.length,
      )
      await opened.member(name, unpacked.content, unpacked)
    }
    const why = reader.error
    if (why !== undefined)
      opened.say(/encrypt|passphrase/i.test(why) ? 'encrypted_member' : 'damaged_archive', name, why)
  } catch (error) {
    const why = messageOf(error)
    opened.say(/encrypt|passphrase/i.test(why) ? 'encrypted_member' : 'damaged_archive', name, why)
  }
  return 0
}

/** What libarchive says of a member whose checksum or size is not the stated one: the true one. */
const TRUE_CRC = /bad CRC: 0x([0-9a-f]{1,8}) /
const TRUE_SIZE = /wrong size \(read (\d{1,10}),/

/**
 * Unpacks by a method of zip that we have no decoder for: the stream is put into an archive of its own. Its checksum and size
 * are not known before it is unpacked, and a last piece with wrong ones is not handed out: so libarchive is asked again with
 * what it said that they are.
 * @param method APPNOTE 4.4.5
 */
export const decodeByLibarchive =
  (method: number): Decode =>
  async (data, room, end) => {
    const decode = async (crc: number, size: number): Promise<Unpacked> => {
      const collector = new Collector(room, end)
      return collector.collect(
        async () => {
          const reader = await Reader.open(lonelyMember(method, data, { crc, size }))
          if (reader.library.read_next_entry(reader.archive) === 0)
            throw new Error(reader.error ?? 'it is not known')
          reader.read(collector)
        },
        () => data.length,
      )
    }
    const first = await decode(0, MOST_BYTES)
    const crc = Number.parseInt(TRUE_CRC.exec(first.damage ?? '')?.[1] ?? '', 16)
    if (Number.isNaN(crc)) return first
    const second = await decode(crc, MOST_BYTES)
    const size = Number(TRUE_SIZE.exec(second.damage ?? '')?.[1])
    return Number.isNaN(size) ? second : decode(crc, size)
  }

/** More than any member unpacks to: libarchive stops at the size that is stated. */
const MOST_BYTES = 0xfffffffe
