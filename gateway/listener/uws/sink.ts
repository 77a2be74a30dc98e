import type { HeaderList } from '../../../detectors/request.js'
import type { ResponseSink } from '../listener.js'
import type { NativeResponse } from './response.js'

/**
 * While its buffer is not empty, uWebSockets copies what it is given behind it. So a chunked response goes on in small
 * pieces until the buffer is seen empty, and the rest waits here, where it is counted.
 */
const PROBE_BYTES = 4096

export interface UwsSinkOptions {
  /** Chunked when undefined. */
  readonly contentLength: number | undefined
  guard(callback: () => void): void
}

/** A streamed response of uWebSockets. */
export class UwsSink implements ResponseSink {
  readonly #response: NativeResponse
  readonly #options: UwsSinkOptions
  #queue: Uint8Array[] = []
  #queued = 0
  /** Bytes of the last chunk that uWebSockets keeps, at most. */
  #native = 0
  #accepted = 0
  #blocked = false
  #ended = false
  #wantsDrain = false
  #drained: (() => void) | undefined

  constructor(response: NativeResponse, options: UwsSinkOptions) {
    this.#response = response
    this.#options = options
    response.with((native) => {
      native.onWritable((offset) => this.#writable(offset))
    })
  }

  get bufferedBytes(): number {
    return this.#response.alive ? this.#queued + this.#native : 0
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended || !this.#response.alive || chunk.length === 0) return true
    this.#accepted += chunk.length
    const { contentLength } = this.#options
    if (contentLength !== undefined && this.#accepted > contentLength) {
      this.destroy()
      return true
    }
    this.#queue.push(chunk)
    this.#queued += chunk.length
    if (!this.#blocked) this.#flush(Number.POSITIVE_INFINITY)
    if (!this.#blocked) return true
    this.#wantsDrain = true
    return false
  }

  onDrain(callback: () => void): void {
    this.#drained = callback
  }

  end(_trailers?: HeaderList): void {
    if (this.#ended) return
    const { contentLength } = this.#options
    if (contentLength !== undefined && this.#accepted !== contentLength) {
      this.destroy()
      return
    }
    this.#ended = true
    if (!this.#blocked) this.#complete()
  }

  destroy(): void {
    this.#ended = true
    this.#queue = []
    this.#queued = 0
    this.#response.destroy()
  }

  /** @returns what uWebSockets wants to know: whether nothing was left to write. */
  #writable(offset: number): boolean {
    this.#native = 0
    if (this.#options.contentLength !== undefined) this.#skipTo(offset)
    this.#blocked = false
    this.#flush(PROBE_BYTES)
    if (this.#blocked) return false
    if (this.#ended) this.#complete()
    else if (this.#wantsDrain) {
      this.#wantsDrain = false
      const drained = this.#drained
      if (drained !== undefined) this.#options.guard(drained)
    }
    return !this.#blocked
  }

  /** Writes what is queued, the first piece no longer than `firstPiece`, until uWebSockets is full. */
  #flush(firstPiece: number): void {
    let limit = firstPiece
    this.#response.corked((native) => {
      while (!this.#blocked && this.#response.alive) {
        const chunk = this.#queue[0]
        if (chunk === undefined) return
        const { contentLength } = this.#options
        if (contentLength !== undefined) {
          const before = native.getWriteOffset()
          const [ok, done] = native.tryEnd(chunk, contentLength)
          if (done) {
            this.#queue = []
            this.#queued = 0
            this.#response.dead()
          } else if (ok) this.#take(chunk.length)
          else {
            this.#blocked = true
            this.#take(native.getWriteOffset() - before)
          }
        } else {
          const piece = chunk.length > limit ? chunk.subarray(0, limit) : chunk
          const free = native.write(piece)
          this.#take(piece.length)
          if (!free) {
            this.#blocked = true
            this.#native = piece.length
          }
          limit = Number.POSITIVE_INFINITY
        }
      }
    })
  }

  /** Takes bytes off the head of the queue. */
  #take(bytes: number): void {
    this.#queued -= bytes
    let left = bytes
    while (left > 0) {
      const chunk = this.#queue[0]
      if (chunk === undefined) return
      if (chunk.length > left) {
        this.#queue[0] = chunk.subarray(left)
        return
      }
      left -= chunk.length
      this.#queue.shift()
    }
  }

  /** With a known length uWebSockets counts for us: what lies before `offset` has been sent. */
  #skipTo(offset: number): void {
    const sent = this.#accepted - this.#queued
    if (offset > sent) this.#take(offset - sent)
  }

  #complete(): void {
    this.#response.corked((native) => {
      if (this.#options.contentLength === undefined || this.#accepted === 0) native.end()
      this.#response.dead()
    })
  }
}
