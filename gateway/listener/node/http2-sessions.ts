import { type ServerHttp2Session, type Settings } from 'node:http2'
import type { ListenerName, ListenOptions } from '../listener.js'
import { plainAddress } from '../peer-address.js'
import { Http2Exchange } from './http2-exchange.js'

const MAX_CONCURRENT_STREAMS = 128

export const HTTP2_LIMITS: readonly string[] = [
  'HTTP/2: after the first exchange of settings a header list over the limit resets the stream without an event',
  'HTTP/2: a body that comes slowly is waited for, however slowly it comes',
  'HTTP/2: no WebSocket (RFC 8441); clients use HTTP/1.1 for it',
]

/** What node's HTTP/2 needs to hold our limits. */
export function http2Settings(options: ListenOptions): {
  readonly maxHeaderListPairs: number
  readonly settings: Settings
} {
  return {
    maxHeaderListPairs: 4096,
    settings: {
      enablePush: false,
      maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
      maxHeaderListSize: options.maxHeaderBytes,
    },
  }
}

/** The HTTP/2 connections of a listener: each of their streams becomes an exchange. */
export class Http2Sessions {
  readonly #options: ListenOptions
  readonly #listener: ListenerName
  readonly #sessions = new Set<ServerHttp2Session>()

  constructor(options: ListenOptions, listener: ListenerName) {
    this.#options = options
    this.#listener = listener
  }

  add(session: ServerHttp2Session): void {
    const { socket } = session
    const peer = { address: plainAddress(socket?.remoteAddress ?? ''), port: socket?.remotePort ?? 0 }
    const local = { address: plainAddress(socket?.localAddress ?? ''), port: socket?.localPort ?? 0 }
    let streams = 0
    this.#sessions.add(session)
    session.setTimeout(this.#options.timeouts.idleMs, () => {
      if (streams === 0) session.close()
    })
    session.on('stream', (stream, _headers, _flags, rawHeaders?: readonly string[]) => {
      streams++
      stream.on('error', () => stream.destroy())
      stream.once('close', () => streams--)
      const raw = rawHeaders ?? []
      // Until the client has taken note of our settings, nobody else enforces the limit.
      if (headerListSize(raw) > this.#options.maxHeaderBytes) {
        this.#options.onMalformed({
          client: peer.address,
          reason: 'header_overflow',
          listener: this.#listener,
          count: 1,
        })
        // It ends the stream too, whatever the client still sends; closed here, Node 22 resets it before it answers.
        stream.respond({ ':status': 431 }, { endStream: true })
        return
      }
      const exchange = new Http2Exchange(stream, raw, {
        peer,
        local,
        bodyIdleMs: this.#options.timeouts.bodyIdleMs,
        onFailure: (error) => this.#options.onFailure(error),
      })
      try {
        this.#options.onExchange(exchange)
      } catch (error) {
        exchange.destroy()
        this.#options.onFailure(error)
      }
    })
    session.on('error', () => session.destroy())
    session.once('close', () => this.#sessions.delete(session))
  }

  /** Ends each connection after its streams. */
  close(): void {
    for (const session of this.#sessions) session.close()
  }

  destroy(): void {
    for (const session of this.#sessions) session.destroy()
  }
}

/** As RFC 9113 section 6.5.2 counts it. */
function headerListSize(raw: readonly string[]): number {
  return raw.reduce((size, text) => size + text.length + 16, 0)
}
