import xz from 'xz-decompress'
import { decodeByLibarchive } from './libarchive.js'
import { Collector, type Decode } from './unpacked.js'

const PIECE = 64 * 1024

/** The xz method of zip. */
const decodeByMethod = decodeByLibarchive(95)

/**
 * The .xz format 1.2: all streams, one after another. The decoder knows neither SHA-256 checks nor filters before LZMA2; a
 * single stream with them is left to libarchive.
 */
export const decodeXz: Decode = async (data, room, end) => {
  const plain = await decodePlain(data, room, end)
  if (plain.damage === undefined || plain.content.length > 0) return plain
  const whole = await decodeByMethod(data, room, end)
  return whole.damage === undefined || whole.content.length > 0 ? whole : plain
}

const decodePlain: Decode = (data, room, end) => {
  const collector = new Collector(room, end)
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
