import { libarchiveWasm } from 'libarchive-wasm'
import { messageOf } from '../../runtime/errors.js'
import type { Opened } from './opened.js'
import type { Packed } from './unpack-types.js'
import { Collector } from './unpacked.js'

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

/**
 * Opens 7z and RAR archives by libarchive in WebAssembly. Each archive has an instance of its own, so that what one breaks in
 * its memory ends with it.
 */
export async function openByLibarchive({ content }: Packed, opened: Opened): Promise<number> {
  let name: string | undefined
  try {
    const library = await libarchiveWasm()
    const module = library.module as Memory
    const at = module._malloc(content.length)
    if (at === 0) throw new Error('no memory for it')
    module.HEAPU8.set(content, at)
    const archive = library.read_new_memory(at, content.length)
    const piece = module._malloc(PIECE)
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
      const collector = new Collector(opened.budget.room(content.length))
      const unpacked = await collector.collect(
        () => {
          for (let read = library.read_data(archive, piece, PIECE); read > 0;) {
            collector.add(Buffer.from(module.HEAPU8.subarray(piece, piece + read)))
            read = library.read_data(archive, piece, PIECE)
          }
        },
        () => content.length,
      )
      await opened.member(name, unpacked.content, unpacked)
    }
    const why = library.error_string(archive)
    if (why) opened.say(/encrypt|passphrase/i.test(why) ? 'encrypted_member' : 'damaged_archive', name, why)
  } catch (error) {
    opened.say('damaged_archive', name, messageOf(error))
  }
  return 0
}
