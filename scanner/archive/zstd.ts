import { Decompress } from 'fzstd'
import { Collector, type Decode } from './unpacked.js'
import { zstdFrame } from './zstd-frame.js'

/** Bytes handed to the decoder at once, so that it can be stopped and its progress is known. */
const PIECE = 64 * 1024
/** Bytes of memory that all frames together may ask for; one alone may state terabytes in a few bytes. */
const MOST_MEMORY = 1024 * 1024 * 1024
/** Of one frame: what zstd itself takes without being told to take more. */
const LARGEST_WINDOW = 128 * 1024 * 1024

/** Zstandard (RFC 8878): all frames, one after another. */
export const decodeZstd: Decode = (data, room, end) => {
  const collector = new Collector(room, end)
  let at = 0
  let memory = 0
  const decode = (): void => {
    while (at < data.length) {
      const frame = zstdFrame(data, at)
      if (!frame) throw new Error(`no frame at ${at}`)
      memory += frame.window
      if (frame.window > LARGEST_WINDOW || memory > MOST_MEMORY)
        throw new Error(`its frames ask for ${memory} bytes of memory`)
      const decoder = new Decompress((piece) => collector.add(Buffer.from(piece)))
      if (frame.window === 0) at = frame.end
      while (at < frame.end) {
        const piece = data.subarray(at, Math.min(frame.end, at + PIECE))
        at += piece.length
        decoder.push(piece, at >= frame.end)
      }
    }
  }
  return collector.collect(decode, () => at)
}
