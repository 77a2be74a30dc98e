import { STATUS_CODES } from 'node:http'
import type { HttpResponse } from 'uWebSockets.js'
import type { HeaderList } from '../../../detectors/request.js'

/**
 * uWebSockets' response with the one guard that all calls need: it is dead after abort, close, end and upgrade, and a call
 * on a dead one throws or worse.
 */
export class NativeResponse {
  #native: HttpResponse | undefined
  readonly #abortCallbacks: (() => void)[] = []
  #aborted = false
  readonly #settled: () => void

  /** @param settled called once, when the response is dead for whatever reason. */
  constructor(native: HttpResponse, settled: () => void) {
    this.#native = native
    this.#settled = settled
    native.onAborted(() => {
      if (this.#native === undefined) return
      this.#aborted = true
      this.dead()
      for (const callback of this.#abortCallbacks.splice(0)) callback()
    })
  }

  get alive(): boolean {
    return this.#native !== undefined
  }

  get aborted(): boolean {
    return this.#aborted
  }

  onAborted(callback: () => void): void {
    if (this.#aborted) queueMicrotask(callback)
    else if (this.#native !== undefined) this.#abortCallbacks.push(callback)
  }

  /** Runs `use` with the native response when it is alive. */
  with(use: (native: HttpResponse) => void): void {
    if (this.#native !== undefined) use(this.#native)
  }

  /** As `with`, with all writes of `use` in one packet. */
  corked(use: (native: HttpResponse) => void): void {
    const native = this.#native
    if (native === undefined) return
    let failure: { readonly error: unknown } | undefined
    native.cork(() => {
      // Nothing may unwind through the native frame.
      try {
        use(native)
      } catch (error) {
        failure = { error }
      }
    })
    if (failure !== undefined) throw failure.error
  }

  /** To be called right before or after the call that ends the response. */
  dead(): void {
    if (this.#native === undefined) return
    this.#native = undefined
    this.#settled()
  }

  destroy(): void {
    // `close` runs the abort handler, which does the rest.
    this.#native?.close()
  }
}

/** Writes status line and fields; the framing ones and `Date` are uWebSockets' own. */
export function writeHead(native: HttpResponse, status: number, headers: HeaderList): void {
  native.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`)
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (lower === 'date' || lower === 'trailer') continue
    // A string would leave as UTF-8.
    native.writeHeader(name, Buffer.from(value, 'latin1'))
  }
}
