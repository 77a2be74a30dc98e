import { Decompress } from 'fzstd'
import { Collector, type Decode } from './unpacked.js'

/** Bytes handed to the decoder at once, so that it can be stopped and its progress is known. */
const PIECE = 64 * 1024

/** Zstandard (RFC 8878): all frames, one after another. */
export const decodeZstd: Decode = (data, room) => {
  const collector = new Collector(room)
  let at = 0
  const decode = (): void => {
    const decoder = new Decompress((piece) => collector.add(Buffer.from(piece)))
    while (at < data.length) {
      const piece = data.subarray(at, at + PIECE)
      at += piece.length
      decoder.push(piece, at >= data.length)
    }
  }
  return collector.collect(decode, () => at)
}
