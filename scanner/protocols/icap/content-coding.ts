import { Readable, type Duplex } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Source } from '../../spool.js'

/** The codings that browsers ask for (RFC 9110, section 8.4.1); zstd is opened as the archive that it is. */
const DECODERS: { readonly [coding: string]: () => Duplex } = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}
/** As they are: nothing to undo, or undone by what unpacks archives. */
const PLAIN = new Set(['', 'identity', 'zstd'])
/** A sender applies one, rarely two. */
const MAX_CODINGS = 4

/** A coding that cannot be undone, or was not undone to its end. */
export class CodingError extends Error {
  override readonly name = 'CodingError'
  readonly code = 'CONTENT_CODING'
}

/** The codings to undo, last applied first. @throws CodingError for one that is not known, or too many */
export function codingsOf(field: string | undefined): readonly string[] {
  const codings = (field ?? '')
    .split(',', MAX_CODINGS + 1)
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => !PLAIN.has(coding))
  if (codings.length > MAX_CODINGS) throw new CodingError('too many content codings')
  for (const coding of codings)
    if (!Object.hasOwn(DECODERS, coding))
      throw new CodingError(`content coding ${JSON.stringify(coding.slice(0, 40))} is not known`)
  return codings.reverse()
}

/** A content with its codings undone, as it comes; who reads it bounds it. @throws CodingError while it is read */
export async function* decode(content: Source, codings: readonly string[]): AsyncGenerator<Buffer> {
  const source = Readable.from(content instanceof Uint8Array ? [Buffer.from(content)] : content)
  const streams: Duplex[] = codings.flatMap((coding) => DECODERS[coding]?.() ?? [])
  const all = [source, ...streams]
  const end = streams.reduce<Readable>((from, to) => {
    from.on('error', (error) => to.destroy(error))
    return from.pipe(to)
  }, source)
  try {
    const pieces: AsyncIterable<Buffer> = end
    for await (const piece of pieces) yield piece
  } catch (cause) {
    throw new CodingError(`the content is not ${codings.join(', ')} as it says`, { cause })
  } finally {
    for (const stream of all) stream.destroy()
  }
}
