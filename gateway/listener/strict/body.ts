import { ListenerError } from '../errors.js'
import type { BodyConsumer, RequestBody } from '../listener.js'
import type { HeaderList } from '../../../detectors/request.js'
import type { ParseFailure } from '../parse-failure.js'
import { ChunkedDecoder } from './chunked-decoder.js'
import type { ReceiveBuffer } from './receive-buffer.js'

const NO_TRAILERS: HeaderList = []

/** How the end of a body is known (RFC 9112 section 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked'; readonly maxTrailerBytes: number }
  /** Two recipients could see different ends, so we look for none. */
  | { readonly kind: 'doubtful' }

export interface BodyOwner {
  /** Bytes received and not yet given away. */
  readonly bufferedBytes: number
  writeContinue(): void
  /** The reader waits for bytes from here on. */
  flow(): void
  /** The bytes are no body. The connection reports it; the body tells its reader. */
  malformed(failure: ParseFailure): void
  /** What a callback threw. */
  failed(error: unknown): void
}

/** The body of one request. */
export class StrictBody implements RequestBody {
  readonly present: boolean
  declare readonly contentLength?: number
  readonly expectsContinue: boolean
  readonly #owner: BodyOwner
  readonly #decoder: ChunkedDecoder | undefined
  /** Bytes of the content that are still to come. */
  #missing = 0
  #complete: boolean
  /** The reader has heard the end, or there is nobody to tell it. */
  #over = false
  #consumer: BodyConsumer | undefined
  #paused = false
  #continued = false
  #failure: ListenerError | undefined

  constructor(framing: Framing, expectsContinue: boolean, owner: BodyOwner) {
    this.#owner = owner
    this.present = framing.kind !== 'none'
    this.#complete = !this.present
    this.expectsContinue = expectsContinue && this.present
    if (framing.kind === 'length') {
      this.contentLength = framing.length
      this.#missing = framing.length
      this.#complete = framing.length === 0
    } else if (framing.kind === 'chunked') this.#decoder = new ChunkedDecoder(framing.maxTrailerBytes)
    else if (framing.kind === 'doubtful')
      this.#failure = new ListenerError('MALFORMED_BODY', 'where this body ends can be read in two ways')
  }

  /** All its bytes are received and taken. */
  get complete(): boolean {
    return this.#complete
  }

  get taken(): boolean {
    return this.#consumer !== undefined
  }

  /** Its reader will take what is still to come. */
  get beingRead(): boolean {
    return this.taken && !this.#over
  }

  /** Somebody reads, bytes are missing, and nobody has asked the client to wait. */
  get waitsForClient(): boolean {
    return this.#consumer !== undefined && !this.#complete && !this.#over && !this.#paused
  }

  get bufferedBytes(): number {
    return this.#complete ? 0 : this.#owner.bufferedBytes
  }

  sendContinue(): void {
    if (!this.expectsContinue || this.#continued || this.#complete || this.#failure !== undefined) return
    this.#continued = true
    this.#owner.writeContinue()
  }

  read(consumer: BodyConsumer): void {
    if (this.#consumer !== undefined) throw new ListenerError('BODY_TAKEN', 'this body is being read already')
    this.#consumer = consumer
    // Not from inside the call that asked.
    if (this.#failure !== undefined || this.#complete) queueMicrotask(() => this.#settle())
    this.#owner.flow()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#complete || this.#failure !== undefined) queueMicrotask(() => this.#settle())
    this.#owner.flow()
  }

  /** Gives what was received to the reader, when there is one that wants it. */
  feed(received: ReceiveBuffer): void {
    if (!this.waitsForClient || received.length === 0) return
    const data = this.#advance(received)
    if (data.length > 0) this.#give(data)
    this.#settle()
  }

  /** Takes what was received of a body that nobody reads, to get behind it. */
  skip(received: ReceiveBuffer): void {
    if (this.#complete || this.taken || this.#failure !== undefined || received.length === 0) return
    this.#advance(received)
  }

  /** Ends the body with an error, unless it has ended. Returns whether it had a reader to tell. */
  fail(error: ListenerError): boolean {
    if (this.#complete || this.#over) return false
    this.#failure ??= error
    return this.#settle()
  }

  /** Nobody is told anything more. */
  discard(): void {
    this.#over = true
  }

  #advance(received: ReceiveBuffer): Uint8Array {
    const { bytes, start, end } = received
    const decoder = this.#decoder
    if (decoder === undefined) {
      const length = Math.min(this.#missing, end - start)
      this.#missing -= length
      this.#complete = this.#missing === 0
      received.take(length)
      return bytes.subarray(start, start + length)
    }
    const used = decoder.decode(bytes, start, end)
    const { failure } = decoder
    if (failure !== undefined) {
      this.#failure = new ListenerError('MALFORMED_BODY', `the body is malformed: ${failure.reason}`)
      this.#owner.malformed(failure)
    }
    received.take(used)
    this.#complete = decoder.done
    return decoder.data
  }

  #give(data: Uint8Array): void {
    try {
      this.#consumer?.onData(data)
    } catch (error) {
      this.#owner.failed(error)
    }
  }

  /** Tells the reader of the end when it has come. */
  #settle(): boolean {
    const consumer = this.#consumer
    if (consumer === undefined || this.#over || (!this.#complete && this.#failure === undefined)) return false
    // A reader that pauses wants to hear nothing, except that nothing more will come.
    if (this.#paused && this.#failure === undefined) return false
    this.#over = true
    try {
      if (this.#failure !== undefined) consumer.onError(this.#failure)
      else consumer.onEnd(this.#decoder?.trailers ?? NO_TRAILERS)
    } catch (error) {
      this.#owner.failed(error)
    }
    return true
  }
}
