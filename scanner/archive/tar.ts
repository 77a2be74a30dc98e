import { extract, type Header } from 'tar-stream'
import { messageOf } from '../../runtime/errors.js'
import type { Opened } from './opened.js'
import type { Packed } from './unpack-types.js'

/** Bytes of a header. */
const RECORD = 512

/** Opens a tar archive: ustar, GNU and pax (POSIX.1-2001). Links, devices and folders hold no content. */
export async function openTar({ content }: Packed, opened: Opened): Promise<number> {
  // The oldest archives have no magic; their checksums are checked all the same.
  const reader = extract({ allowUnknownFormat: true } as object)
  let damage: string | undefined
  // The iteration tells of most errors; one after its last member comes here only.
  reader.on('error', (error: Error) => (damage = error.message))
  reader.end(content)
  let name: string | undefined
  let end = 0
  try {
    for await (const entry of reader) {
      const header: Header = entry.header
      name = header.name
      end = entry.offset + RECORD + header.size
      if (!opened.budget.admit()) break
      const room = opened.budget.room(Infinity)
      const pieces: Buffer[] = []
      let length = 0
      try {
        for await (const piece of entry as AsyncIterable<Buffer>) {
          pieces.push(piece)
          length += piece.length
        }
      } catch (error) {
        damage = messageOf(error)
      }
      const whole = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
      await opened.member(name, whole.subarray(0, room), { isCut: length > room })
    }
  } catch (error) {
    damage = messageOf(error)
  } finally {
    reader.destroy()
  }
  if (damage !== undefined) opened.say('damaged_archive', name, damage)
  return end
}
