import { innerName } from './gzip.js'
import type { Opened } from './opened.js'
import type { Decode } from './unpacked.js'
import type { Packed } from './unpack-types.js'

/** Opens a file that is one compressed content. */
export const openCompressed =
  (decode: Decode) =>
  async ({ content, name }: Packed, opened: Opened): Promise<number> => {
    if (!opened.budget.admit()) return 0
    const unpacked = await decode(content, opened.budget.room(content.length), opened.budget.end)
    await opened.member(innerName(name), unpacked.content, unpacked)
    return unpacked.consumed
  }
