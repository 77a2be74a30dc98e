import type { Readable } from 'node:stream'
import { ListenerError } from '../errors.js'
import type { BodyConsumer, RequestBody } from '../listener.js'
import type { HeaderList } from '../../../detectors/request.js'

export interface BodySource {
  readonly stream: Readable
  readonly present: boolean
  readonly contentLength: number | undefined
  readonly expectsContinue: boolean
  writeContinue(): void
  trailers(): HeaderList
  /** At the stream's end: whether it is that of the body, and not of a stream that was cut. */
  complete(received: number): boolean
  /** From now on the client is waited for: starts its time anew. */
  restartClock(): void
  /** Runs one of the consumer's callbacks; what it throws cuts the exchange. */
  guard(callback: () => void): void
}

/** A request body on top of a node stream: an HTTP/1 message or an HTTP/2 stream. */
export class StreamBody implements RequestBody {
  readonly present: boolean
  declare readonly contentLength?: number
  readonly expectsContinue: boolean
  readonly #source: BodySource
  #consumer: BodyConsumer | undefined
  #taken = false
  #over = false
  #failure: ListenerError | undefined
  #continued = false
  #paused = false

  constructor(source: BodySource) {
    this.#source = source
    this.present = source.present
    if (source.contentLength !== undefined) this.contentLength = source.contentLength
    this.expectsContinue = source.expectsContinue
    source.stream.on('error', () => this.fail(aborted()))
    source.stream.on('close', () => this.fail(aborted()))
  }

  /** Somebody reads, bytes are missing, and nobody has asked the client to wait. */
  get waitsForClient(): boolean {
    return this.#taken && !this.#over && !this.#paused
  }

  get bufferedBytes(): number {
    return this.#source.stream.readableLength
  }

  sendContinue(): void {
    if (!this.expectsContinue || this.#continued || this.#over) return
    this.#continued = true
    this.#source.writeContinue()
  }

  read(consumer: BodyConsumer): void {
    if (this.#taken) throw new ListenerError('BODY_TAKEN', 'this body is being read already')
    this.#taken = true
    if (this.#failure !== undefined) {
      const failure = this.#failure
      queueMicrotask(() => this.#source.guard(() => consumer.onError(failure)))
      return
    }
    this.#consumer = consumer
    const { stream } = this.#source
    let received = 0
    stream.on('data', (chunk: Uint8Array) => {
      received += chunk.length
      if (!this.#over) this.#source.guard(() => consumer.onData(chunk))
    })
    stream.on('end', () => {
      if (this.#over) return
      if (!this.#source.complete(received)) {
        this.fail(aborted())
        return
      }
      this.#over = true
      this.#source.guard(() => consumer.onEnd(this.#source.trailers()))
    })
    if (this.#paused) stream.pause()
    else this.#source.restartClock()
  }

  pause(): void {
    this.#paused = true
    if (this.#taken && !this.#over) this.#source.stream.pause()
  }

  resume(): void {
    this.#paused = false
    if (!this.#taken || this.#over) return
    this.#source.restartClock()
    this.#source.stream.resume()
  }

  /** Ends the body with an error, unless it has ended. Returns whether it had a reader to tell. */
  fail(error: ListenerError): boolean {
    if (this.#over) return false
    this.#over = true
    this.#failure = error
    const consumer = this.#consumer
    if (consumer === undefined) return false
    this.#source.guard(() => consumer.onError(error))
    return true
  }

  /** Reads what still comes and throws it away. */
  discard(): void {
    this.#over = true
    this.#source.stream.resume()
  }
}

function aborted(): ListenerError {
  return new ListenerError('CLIENT_ABORTED', 'the client went away before its request was complete')
}
