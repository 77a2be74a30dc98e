import type { Duplex } from 'node:stream'
import type { HeaderList } from '../../../detectors/request.js'
import type { RawUpgrade, RefusalReason, SocketEnd } from '../listener.js'
import { refusalOf } from '../refusal.js'
import { bodyBytes, hasContent, prepareHead } from '../response-head.js'
import type { StrictConnection } from './connection.js'
import type { RequestHead } from './head-scanner.js'
import { fieldLines, statusLine } from './message-head.js'

/** A request for a WebSocket. The connection is handed over as it is, or gets an answer and ends. */
export class StrictUpgrade implements RawUpgrade {
  readonly kind = 'raw'
  readonly method: string
  readonly target: string
  readonly httpVersion = '1.1'
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls: boolean
  declare readonly refuse?: RefusalReason
  readonly #connection: StrictConnection
  #answered = false
  #aborted = false
  readonly #abortCallbacks: (() => void)[] = []

  constructor(head: RequestHead, connection: StrictConnection) {
    this.method = head.method
    this.target = head.target
    this.headers = head.headers
    this.peer = connection.peer
    this.local = connection.local
    this.tls = connection.tls
    this.#connection = connection
    const refuse = refusalOf(this)
    if (refuse !== undefined) this.refuse = refuse
  }

  onAborted(callback: () => void): void {
    if (this.#aborted) queueMicrotask(() => this.#guard(callback))
    else if (!this.#answered) this.#abortCallbacks.push(callback)
  }

  accept(): { readonly socket: Duplex; readonly head: Uint8Array } {
    this.#answered = true
    return this.#connection.handOver()
  }

  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void {
    const head = prepareHead(status, headers)
    const bytes = bodyBytes(body)
    if (this.#answered || this.#aborted) return
    this.#answered = true
    const content = hasContent(this.method, status)
    let text = statusLine(status) + fieldLines(head.headers)
    if (!head.dated) text += `Date: ${this.#connection.date}\r\n`
    if (content) text += `Content-Length: ${bytes?.length ?? 0}\r\n`
    this.#connection.gather()
    this.#connection.write(`${text}Connection: close\r\n\r\n`)
    if (content && bytes !== undefined && bytes.length > 0) this.#connection.write(bytes)
    this.#connection.end()
  }

  destroy(): void {
    this.#connection.destroy()
  }

  /** The client is gone. */
  abort(): void {
    if (this.#answered || this.#aborted) return
    this.#aborted = true
    for (const callback of this.#abortCallbacks.splice(0)) this.#guard(callback)
  }

  #guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#connection.failed(error)
    }
  }
}
