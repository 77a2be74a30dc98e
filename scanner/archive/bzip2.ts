import { createRequire } from 'node:module'
import { messageOf } from '../../runtime/errors.js'
import { Collector, type Decode } from './unpacked.js'

/** What we use of seek-bzip, which has no types. */
interface Bunzip {
  /** @throws TypeError of what is no bzip2 stream, and what the input throws */
  decode(
    input: {
      readByte(): number
      read(into: Buffer, start: number, length: number): number
      seek(to: number): void
      eof(): boolean
    },
    output: { writeByte(byte: number): void; flush(): void },
    multistream: boolean,
  ): void
}

const bunzip = createRequire(import.meta.url)('seek-bzip') as Bunzip

/** bzip2: all streams, one after another; what follows them is no part of it, as for bzip2 itself. */
export const decodeBzip2: Decode = (data, room, end) => {
  const collector = new Collector(room, end)
  let at = 0
  const input = {
    readByte() {
      const byte = data[at++]
      // A decoder that is given nothing may wait for it for ever.
      if (byte === undefined) throw new Error('it is cut short')
      return byte
    },
    read(into: Buffer, start: number, length: number) {
      const copied = data.copy(into, start, at, at + length)
      at += copied
      return copied
    },
    seek(to: number) {
      at = to
    },
    eof: () => at >= data.length,
  }
  const output = { writeByte: (byte: number) => collector.addByte(byte), flush: () => undefined }
  const decode = (): void => {
    try {
      bunzip.decode(input, output, true)
    } catch (error) {
      const isTrailer = collector.length > 0 && messageOf(error).startsWith('Not bzip data')
      if (!isTrailer) throw error
    }
  }
  return collector.collect(decode, () => Math.min(at, data.length))
}
