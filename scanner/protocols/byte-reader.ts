import type { Socket } from 'node:net'
import { ProtocolError } from './errors.js'

const EMPTY: Buffer = Buffer.alloc(0)

/**
 * Reads a connection in the pieces that a protocol asks for. Nothing is read ahead of what was asked, so that a client
 * that sends faster than it is served waits.
 */
export class ByteReader {
  #held = EMPTY
  readonly #source: AsyncIterator<Buffer>

  constructor(socket: Socket) {
    // Leaving the loop early must not destroy the connection: the answer still has to go out on it.
    const pieces: AsyncIterable<Buffer> = socket.iterator({ destroyOnReturn: false })
    this.#source = pieces[Symbol.asyncIterator]()
  }

  /**
   * Waits until something is there to be read.
   * @returns false when the other end has sent all
   * @throws ProtocolError `PROTOCOL_TIMEOUT`
   */
  async wait(ms: number): Promise<boolean> {
    return this.#held.length > 0 || (await this.#more(ms))
  }

  /** The first byte that is held, without taking it. */
  get first(): number | undefined {
    return this.#held[0]
  }

  /** Takes what is held up to and without a byte, or all that is held; for commands that need no end. */
  takeHeld(end: number): Buffer {
    const at = this.#held.indexOf(end)
    return at < 0 ? this.#take(this.#held.length) : this.#line(at)
  }

  /**
   * Takes what stands before a byte, and drops that byte.
   * @param max bytes that may stand before it
   * @param ms for the whole of it
   * @throws ProtocolError `PROTOCOL_TOO_LONG`, `PROTOCOL_TIMEOUT`, `PROTOCOL_ENDED`
   */
  async until(end: number, max: number, ms: number): Promise<Buffer> {
    const deadline = performance.now() + ms
    for (let seen = 0; ;) {
      const at = this.#held.indexOf(end, seen)
      if (at > max || (at < 0 && this.#held.length > max))
        throw new ProtocolError('PROTOCOL_TOO_LONG', `more than ${max} bytes`)
      if (at >= 0) return this.#line(at)
      seen = this.#held.length
      if (!(await this.#more(deadline - performance.now()))) throw ended()
    }
  }

  /** Takes exactly so many bytes. @throws ProtocolError `PROTOCOL_TIMEOUT`, `PROTOCOL_ENDED` */
  async exactly(count: number, ms: number): Promise<Buffer> {
    while (this.#held.length < count) if (!(await this.#more(ms))) throw ended()
    return this.#take(count)
  }

  /** Takes so many bytes as they come. @throws ProtocolError `PROTOCOL_TIMEOUT` for a pause, `PROTOCOL_ENDED` */
  async *pieces(count: number, ms: number): AsyncGenerator<Buffer, void, undefined> {
    let left = count
    while (left > 0) {
      if (!(await this.wait(ms))) throw ended()
      const piece = this.#take(Math.min(left, this.#held.length))
      left -= piece.length
      yield piece
    }
  }

  /** Throws away what still comes, until the other end has sent all or the time is over. */
  async drain(ms: number): Promise<void> {
    const deadline = performance.now() + ms
    try {
      do this.#held = EMPTY
      while (await this.#more(deadline - performance.now()))
    } catch {
      // Broken or too slow: there is nothing more to wait for.
    }
  }

  #line(at: number): Buffer {
    const line = this.#take(at)
    this.#take(1)
    return line
  }

  #take(count: number): Buffer {
    const taken = this.#held.subarray(0, count)
    this.#held = this.#held.subarray(count)
    return taken
  }

  async #more(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new ProtocolError('PROTOCOL_TIMEOUT', 'nothing came in time')
      timer = setTimeout(() => reject(error), Math.max(0, ms))
    })
    try {
      const { done, value } = await Promise.race([this.#source.next(), late])
      if (done === true) return false
      this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value])
      return true
    } finally {
      clearTimeout(timer)
    }
  }
}

const ended = (): ProtocolError => new ProtocolError('PROTOCOL_ENDED', 'the other end stopped in the middle')
