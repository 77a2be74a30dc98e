import { messageOf } from '../../runtime/errors.js'

export interface Unpacked {
  /** Everything, or what came before the cut or the damage. */
  readonly content: Buffer
  /** Bytes that it was unpacked from. */
  readonly consumed: number
  /** There was more than the room for it. */
  readonly isCut: boolean
  /** The time for it was over. */
  readonly isLate?: boolean
  readonly damage?: string | undefined
}

/**
 * Unpacks the compressed stream that the data begins with, to at most `room` bytes and until `end` (milliseconds, as
 * performance.now() tells them). It never throws.
 */
export type Decode = (data: Buffer, room: number, end: number) => Promise<Unpacked>

/** Thrown through a decoder to end it. */
class Full extends Error {}
class Late extends Error {}

/** Takes in what a decoder gives until there is no more room. */
export class Collector {
  readonly #pieces: Buffer[] = []
  #length = 0
  #bytes: Buffer = Buffer.alloc(0)
  #used = 0

  constructor(
    readonly room: number,
    readonly end: number,
  ) {}

  get length(): number {
    return this.#length + this.#used
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#length += piece.length
    if (this.#length > this.room) throw new Full()
    if (performance.now() > this.end) throw new Late()
  }

  addByte(byte: number): void {
    if (this.#used === this.#bytes.length) {
      this.#flush()
      this.#bytes = Buffer.allocUnsafe(64 * 1024)
    }
    this.#bytes[this.#used++] = byte
  }

  /** Runs a decoder to its end, its damage, or the end of the room. */
  async collect(decode: () => void | Promise<void>, consumed: () => number): Promise<Unpacked> {
    let damage: string | undefined
    let isLate = false
    try {
      await decode()
      this.#flush()
    } catch (error) {
      if (error instanceof Late) isLate = true
      else if (!(error instanceof Full)) damage = messageOf(error)
    }
    const content = Buffer.concat([...this.#pieces, this.#bytes.subarray(0, this.#used)])
    return {
      content: content.subarray(0, this.room),
      consumed: consumed(),
      isCut: content.length > this.room,
      isLate,
      damage,
    }
  }

  #flush(): void {
    const piece = this.#bytes.subarray(0, this.#used)
    this.#used = 0
    if (piece.length > 0) this.add(piece)
  }
}
