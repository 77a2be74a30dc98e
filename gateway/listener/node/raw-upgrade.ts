import type { Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import type { HeaderList } from '../../../detectors/request.js'
import { STATUS_CODES } from 'node:http'
import type { RawUpgrade, RefusalReason, SocketEnd } from '../listener.js'
import { refusalOf } from '../refusal.js'
import { bodyBytes, hasContent, prepareHead } from '../response-head.js'
import type { Http1Connection } from './http1-connection.js'
import { pairs } from './incoming.js'

/** A WebSocket handshake on node:http, which has let go of the connection: the answer is written here, byte by byte. */
export class NodeUpgrade implements RawUpgrade {
  readonly kind = 'raw'
  readonly method: string
  readonly target: string
  readonly httpVersion = '1.1'
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls: boolean
  declare readonly refuse?: RefusalReason
  readonly #connection: Http1Connection
  readonly #socket: Duplex
  readonly #head: Uint8Array
  #answered = false
  #aborted = false
  readonly #abortCallbacks: (() => void)[] = []
  readonly #onClose = (): void => {
    this.#aborted = true
    for (const callback of this.#abortCallbacks.splice(0)) callback()
  }

  readonly #onReadable = (): void => {
    if (this.#socket.readableLength === 0) this.#socket.read(0)
  }
  readonly #onEnd = (): void => {
    this.#socket.destroy()
  }

  constructor(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    context: { readonly connection: Http1Connection; readonly tls: boolean },
  ) {
    this.method = request.method ?? ''
    this.target = request.url ?? ''
    this.headers = pairs(request.rawHeaders)
    this.peer = context.connection.peer
    this.local = context.connection.local
    this.tls = context.tls
    const refuse = refusalOf(this)
    if (refuse !== undefined) this.refuse = refuse
    this.#connection = context.connection
    this.#socket = socket
    this.#head = head
    socket.once('close', this.#onClose)
    // A socket that nobody reads does not tell that its client is gone.
    socket.on('readable', this.#onReadable)
    socket.once('end', this.#onEnd)
  }

  onAborted(callback: () => void): void {
    if (this.#aborted) queueMicrotask(callback)
    else if (!this.#answered) this.#abortCallbacks.push(callback)
  }

  accept(): { readonly socket: Duplex; readonly head: Uint8Array } {
    this.#answered = true
    this.#socket.removeListener('close', this.#onClose)
    this.#socket.removeListener('end', this.#onEnd)
    this.#socket.removeListener('readable', this.#onReadable)
    return { socket: this.#socket, head: this.#head }
  }

  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void {
    const head = prepareHead(status, headers)
    const bytes = bodyBytes(body)
    if (this.#answered || this.#aborted) return
    this.#answered = true
    const content = hasContent(this.method, status)
    const fields: [string, string][] = head.headers.map(([name, value]) => [name, value])
    if (!fields.some(([name]) => name.toLowerCase() === 'date'))
      fields.push(['Date', new Date().toUTCString()])
    if (content) fields.push(['Content-Length', String(bytes?.length ?? 0)])
    fields.push(['Connection', 'close'])
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    this.#socket.write(
      Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}\r\n`, 'latin1'),
    )
    if (content && bytes !== undefined && bytes.length > 0) this.#socket.write(bytes)
    this.#socket.removeListener('readable', this.#onReadable)
    this.#connection.linger()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
