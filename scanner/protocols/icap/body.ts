import type { ByteReader } from '../byte-reader.js'
import { ProtocolError } from '../errors.js'
import { readChunks } from './chunks.js'

export interface BodyTimes {
  /** Milliseconds without a byte. */
  readonly idle: number
  /** Milliseconds for the whole body. */
  readonly body: number
}

/** The body of a message, of which a client may have sent only the beginning until it is told to go on. */
export class IcapBody {
  /** Whether the client was told to go on, and so is past the preview. */
  continued = false
  /** Whether all of it was read, so that the next message follows. */
  complete = false

  constructor(
    readonly reader: ByteReader,
    readonly times: BodyTimes,
    /** Bytes that come first; undefined without a preview. */
    readonly preview: number | undefined,
    /** Asks the client for the rest; throws when it need not come. */
    readonly goOn: () => Promise<void>,
  ) {}

  /** @throws ProtocolError of {@link readChunks}, and what `goOn` throws */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const deadline = performance.now() + this.times.body
    let whole = yield* this.#chunks(deadline)
    if (this.preview !== undefined && !whole) {
      await this.goOn()
      this.continued = true
      yield* this.#chunks(deadline)
      whole = true
    }
    this.complete = true
  }

  /** @returns whether there is no more, as far as the client said */
  async *#chunks(deadline: number): AsyncGenerator<Buffer, boolean> {
    const chunks = readChunks(this.reader, this.times.idle)
    for (;;) {
      const { done, value } = await chunks.next()
      if (done) return value
      if (performance.now() > deadline) throw new ProtocolError('PROTOCOL_TIMEOUT', 'the body takes too long')
      yield value
    }
  }
}
