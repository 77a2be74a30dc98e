import xz from 'xz-decompress'
import { Collector, type Decode } from './unpacked.js'

const PIECE = 64 * 1024

/**
 * The .xz format 1.2: all streams, one after another. Streams with a SHA-256 check or a filter before LZMA2 are not known to
 * the decoder and come back as damaged.
 */
export const decodeXz: Decode = (data, room) => {
  const collector = new Collector(room)
  let at = 0
  const packed = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = data.subarray(at, at + PIECE)
        at += piece.length
        if (piece.length === 0) controller.close()
        // A copy: who reads a stream may take its memory away.
        else controller.enqueue(Uint8Array.from(piece))
      },
    },
    { highWaterMark: 0 },
  )
  const decode = async (): Promise<void> => {
    const reader = new xz.XzReadableStream(packed).getReader()
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        collector.add(Buffer.from(read.value))
    } finally {
      await reader.cancel().catch(() => undefined)
    }
  }
  return collector.collect(decode, () => at)
}
