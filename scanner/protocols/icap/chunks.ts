import type { ByteReader } from '../byte-reader.js'
import { ProtocolError } from '../errors.js'

const LINE_END = 0x0a
/** Bytes of the line that begins a chunk, and of all trailers together. */
const MAX_LINE = 1024
const MAX_TRAILERS = 16 * 1024
const SIZE = /^([0-9a-f]{1,8})[ \t]*(?:;(.*))?$/i

/**
 * Reads a body in chunks (RFC 9112, section 7.1); trailers are dropped.
 * @param ms for a pause, and for each line
 * @returns whether the last chunk says that there is no more of the body than this preview (`ieof`, RFC 3507, section 4.5)
 * @throws ProtocolError `PROTOCOL_MALFORMED`, and those of {@link ByteReader}
 */
export async function* readChunks(
  reader: ByteReader,
  ms: number,
): AsyncGenerator<Buffer, boolean, undefined> {
  for (;;) {
    const [, size = '', extension = ''] = SIZE.exec(await line(reader, MAX_LINE, ms)) ?? []
    if (size === '') throw new ProtocolError('PROTOCOL_MALFORMED', 'a chunk does not begin with its size')
    const length = Number.parseInt(size, 16)
    if (length === 0) {
      for (let left = MAX_TRAILERS, text = ' '; text !== ''; left -= text.length + 2)
        text = await line(reader, Math.max(0, left), ms)
      return extension.split(';').some((item) => item.trim().toLowerCase() === 'ieof')
    }
    yield* reader.pieces(length, ms)
    if ((await line(reader, 1, ms)) !== '')
      throw new ProtocolError('PROTOCOL_MALFORMED', 'a chunk is longer than it says')
  }
}

/** A line without its end. @param max bytes, without the line feed */
async function line(reader: ByteReader, max: number, ms: number): Promise<string> {
  const text = (await reader.until(LINE_END, max, ms)).toString('latin1')
  return text.endsWith('\r') ? text.slice(0, -1) : text
}
