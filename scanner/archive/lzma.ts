import { decodeByLibarchive } from './libarchive.js'
import type { Decode } from './unpacked.js'

/** Properties, dictionary size and unpacked size stand before the stream. */
const HEADER_LENGTH = 13
const PROPERTIES_LENGTH = 5

/** The LZMA method of zip. */
const decodeByMethod = decodeByLibarchive(14)

/** The .lzma format of LZMA Utils: in zip the same stream has a version before its properties and no size (APPNOTE 5.8). */
export const decodeLzma: Decode = (data, room, end) => {
  const properties = data.subarray(0, PROPERTIES_LENGTH)
  return decodeByMethod(
    Buffer.concat([Buffer.from([9, 20, PROPERTIES_LENGTH, 0]), properties, data.subarray(HEADER_LENGTH)]),
    room,
    end,
  )
}

/** Whether a content begins as xz and 7-Zip write the format: usual properties, a dictionary and a size that can be. */
export function isLzma(content: Buffer): boolean {
  if (content.length <= HEADER_LENGTH || content[0] !== 0x5d || content[13] !== 0) return false
  const dictionary = content.readUInt32LE(1)
  const size = content.readBigUInt64LE(5)
  const isUsual = dictionary >= 4096 && (dictionary & (dictionary - 1)) === 0
  return isUsual && (size === 0xffffffffffffffffn || size < 2n ** 38n)
}
