import type { HeaderList } from '../../../detectors/request.js'
import { ListenerError } from '../errors.js'
import type { BodyConsumer, RequestBody } from '../listener.js'
import type { NativeResponse } from './response.js'

const NO_TRAILERS: HeaderList = []

/**
 * A request body of uWebSockets. Its bytes come whether or not anybody reads, so what nobody takes is kept and the socket
 * is paused: at most one of its receive buffers (512 KiB) is held.
 */
export class UwsBody implements RequestBody {
  readonly present: boolean
  declare readonly contentLength?: number
  readonly expectsContinue = false
  readonly #response: NativeResponse
  readonly #guard: (callback: () => void) => void
  #held: Uint8Array[] = []
  #bufferedBytes = 0
  #complete: boolean
  #over = false
  #taken = false
  #consumer: BodyConsumer | undefined
  #paused = false
  #nativePaused = false
  #failure: ListenerError | undefined

  constructor(
    response: NativeResponse,
    framing: { readonly present: boolean; readonly contentLength: number | undefined },
    guard: (callback: () => void) => void,
  ) {
    this.#response = response
    this.#guard = guard
    this.present = framing.present
    this.#complete = !framing.present
    if (framing.contentLength !== undefined) this.contentLength = framing.contentLength
    response.onAborted(() =>
      this.#fail(new ListenerError('CLIENT_ABORTED', 'the client closed the connection')),
    )
    if (framing.present) {
      response.with((native) => {
        native.onData((chunk, last) => this.#received(chunk, last))
      })
    }
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** uWebSockets has sent it already. */
  sendContinue(): void {}

  read(consumer: BodyConsumer): void {
    if (this.#taken) throw new ListenerError('BODY_TAKEN', 'this body is being read already')
    this.#taken = true
    this.#consumer = consumer
    // Not from inside the call that asked.
    queueMicrotask(() => {
      const failure = this.#failure
      if (failure !== undefined) {
        if (!this.#over) {
          this.#over = true
          this.#guard(() => consumer.onError(failure))
        }
      } else this.#flow()
    })
  }

  pause(): void {
    this.#paused = true
    if (!this.#complete && !this.#over) this.#pauseNative()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#flow()
  }

  /** The response ends here: what still comes is thrown away, and the socket must not stay paused. */
  discard(): void {
    this.#over = true
    this.#held = []
    this.#bufferedBytes = 0
    this.#resumeNative()
  }

  #received(chunk: ArrayBuffer, last: boolean): void {
    if (last) this.#complete = true
    if (this.#over) return
    // The buffer is taken back when this call returns.
    if (chunk.byteLength > 0) {
      this.#held.push(new Uint8Array(chunk.slice(0)))
      this.#bufferedBytes += chunk.byteLength
    }
    this.#flow()
    if (this.#held.length > 0 && !this.#complete && !this.#over) this.#pauseNative()
  }

  #flow(): void {
    const consumer = this.#consumer
    if (consumer === undefined) return
    while (!this.#paused && !this.#over) {
      const chunk = this.#held.shift()
      if (chunk === undefined) break
      this.#bufferedBytes -= chunk.length
      this.#guard(() => consumer.onData(chunk))
    }
    if (this.#paused || this.#over) return
    if (this.#complete) {
      this.#over = true
      this.#guard(() => consumer.onEnd(NO_TRAILERS))
    } else this.#resumeNative()
  }

  #fail(error: ListenerError): void {
    this.#failure = error
    const consumer = this.#consumer
    if (this.#over || consumer === undefined) return
    // A body that is all here is not broken by a client that went away; `onAborted` tells that.
    this.#over = true
    this.#guard(() => consumer.onError(error))
  }

  #pauseNative(): void {
    if (this.#nativePaused) return
    this.#nativePaused = true
    this.#response.with((native) => native.pause())
  }

  #resumeNative(): void {
    if (!this.#nativePaused) return
    this.#nativePaused = false
    this.#response.with((native) => native.resume())
  }
}
