import { createInflateRaw, inflateRawSync } from 'node:zlib'
import { messageOf } from '../../runtime/errors.js'
import type { Unpacked } from './unpacked.js'

/** With `info`, which the types do not know: the engine tells how much of the input it took. */
interface WithInfo {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/**
 * Inflates the raw deflate stream (RFC 1951) that the data begins with; what follows the stream is left alone.
 * @param room bytes that it may unpack to
 * @param end when it has to be done, as performance.now() tells
 */
export async function inflate(data: Buffer, room: number, end: number): Promise<Unpacked> {
  try {
    // All at once is many times as fast for the small members that most are.
    const { buffer, engine } = inflateRawSync(data, {
      maxOutputLength: Math.max(1, room),
      info: true,
    } as object) as unknown as WithInfo
    return { content: buffer, consumed: engine.bytesWritten, isCut: buffer.length > room }
  } catch {
    return inflatePart(data, room, end)
  }
}

/** What can be had of a stream that is too large or damaged. */
async function inflatePart(data: Buffer, room: number, end: number): Promise<Unpacked> {
  const stream = createInflateRaw()
  const pieces: Buffer[] = []
  let length = 0
  let damage: string | undefined
  let isLate = false
  try {
    stream.end(data)
    for await (const piece of stream as AsyncIterable<Buffer>) {
      pieces.push(piece)
      length += piece.length
      isLate = performance.now() > end
      if (length > room || isLate) break
    }
  } catch (error) {
    damage = messageOf(error)
  } finally {
    stream.destroy()
  }
  return {
    content: Buffer.concat(pieces).subarray(0, room),
    consumed: stream.bytesWritten,
    isCut: length > room,
    isLate,
    ...(damage === undefined ? {} : { damage }),
  }
}
