import type { Writable } from 'node:stream'
import type { HeaderList } from '../../../detectors/request.js'
import type { ResponseSink } from '../listener.js'

export interface SinkTarget {
  readonly stream: Writable
  /** False for HEAD, 204 and 304: chunks are dropped. */
  readonly content: boolean
  readonly contentLength: number | undefined
  /** Completes the response. */
  finish(trailers: HeaderList | undefined): void
  /** Cuts the connection or stream. */
  cut(): void
  guard(callback: () => void): void
}

/** A streamed response on top of a node stream. */
export class StreamSink implements ResponseSink {
  readonly #target: SinkTarget
  #sent = 0
  #over = false
  #drained: (() => void) | undefined

  constructor(target: SinkTarget) {
    this.#target = target
    target.stream.on('drain', () => {
      if (!this.#over && this.#drained !== undefined) target.guard(this.#drained)
    })
  }

  get bufferedBytes(): number {
    return this.#target.stream.writableLength
  }

  write(chunk: Uint8Array): boolean {
    const { stream, content, contentLength } = this.#target
    if (this.#over || stream.destroyed) return true
    if (!content || chunk.length === 0) return true
    this.#sent += chunk.length
    if (contentLength !== undefined && this.#sent > contentLength) {
      this.destroy()
      return true
    }
    return stream.write(chunk)
  }

  onDrain(callback: () => void): void {
    this.#drained = callback
  }

  end(trailers?: HeaderList): void {
    if (this.#over) return
    const { content, contentLength } = this.#target
    if (content && contentLength !== undefined && this.#sent !== contentLength) {
      this.destroy()
      return
    }
    this.#over = true
    this.#target.finish(trailers)
  }

  destroy(): void {
    if (this.#over) return
    this.#over = true
    this.#target.cut()
  }
}
