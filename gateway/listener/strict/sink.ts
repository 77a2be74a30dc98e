import type { HeaderList } from '../../../detectors/request.js'
import type { ResponseSink } from '../listener.js'
import { checkFields } from '../response-head.js'
import type { StrictConnection } from './connection.js'
import type { StrictExchange } from './exchange.js'
import { fieldLines } from './message-head.js'

/** A chunk up to this size leaves in one piece with its framing; a longer one is not copied. */
const JOINED_BYTES = 4096

export interface ResponseFraming {
  /** False for HEAD, 204 and 304: chunks are dropped. */
  readonly content: boolean
  readonly contentLength: number | undefined
  readonly chunked: boolean
}

/** A streamed response: framing and count of its content. */
export class StrictSink implements ResponseSink {
  readonly #exchange: StrictExchange
  readonly #connection: StrictConnection
  readonly #framing: ResponseFraming
  #sent = 0
  #over = false
  #drained: (() => void) | undefined

  constructor(exchange: StrictExchange, connection: StrictConnection, framing: ResponseFraming) {
    this.#exchange = exchange
    this.#connection = connection
    this.#framing = framing
  }

  get bufferedBytes(): number {
    return this.#exchange.finished ? 0 : this.#connection.unsentBytes
  }

  write(chunk: Uint8Array): boolean {
    const { content, contentLength, chunked } = this.#framing
    if (this.#over || this.#exchange.finished || !content || chunk.length === 0) return true
    this.#sent += chunk.length
    if (contentLength !== undefined && this.#sent > contentLength) {
      this.destroy()
      return true
    }
    const connection = this.#connection
    connection.gather()
    if (!chunked) return connection.write(chunk)
    const size = `${chunk.length.toString(16)}\r\n`
    if (chunk.length <= JOINED_BYTES) return connection.write(framed(size, chunk))
    connection.write(size)
    connection.write(chunk)
    return connection.write('\r\n')
  }

  onDrain(callback: () => void): void {
    this.#drained = callback
  }

  end(trailers: HeaderList = []): void {
    if (this.#over) return
    const { content, contentLength, chunked } = this.#framing
    if (content && contentLength !== undefined && this.#sent !== contentLength) {
      this.destroy()
      return
    }
    if (chunked) checkFields(trailers)
    this.#over = true
    if (this.#exchange.finished) return
    if (chunked) this.#connection.write(`0\r\n${fieldLines(trailers)}\r\n`)
    this.#connection.responded(this.#exchange)
  }

  destroy(): void {
    if (this.#over) return
    this.#over = true
    this.#exchange.destroy()
  }

  /** The client has taken all that was written. */
  drained(): void {
    if (!this.#over) this.#drained?.()
  }
}

/** One chunk with its framing (RFC 9112 section 7.1). */
function framed(size: string, chunk: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(size.length + chunk.length + 2)
  bytes.write(size, 0, 'latin1')
  bytes.set(chunk, size.length)
  bytes.write('\r\n', size.length + chunk.length, 'latin1')
  return bytes
}
