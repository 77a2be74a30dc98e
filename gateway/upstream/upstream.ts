import { GatewayError } from '../errors.js'
import { CoarseClock } from '../listener/strict/coarse-clock.js'
import type { ConnectionOwner, ConnectionTarget } from './connection.js'
import { Call, Connection } from './connection.js'
import { endpointOf } from './endpoint.js'
import type { UpstreamFlow, UpstreamHandler, UpstreamRequest } from './request.js'

export interface UpstreamOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string
  readonly connectMs: number
  readonly headersMs: number
  readonly bodyMs: number
  readonly maxRequests: number
}

const IDLE_MS = 30_000

const STOPPED = new GatewayError('GATEWAY_UPSTREAM_RESPONSE', 'the gateway stops')

/** Methods whose second sending changes nothing (RFC 9110, section 9.2.2) and that need no body. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * The service behind a site: a pool of kept-alive connections. A request is sent once; only one without a body, of a
 * method that may be repeated, is sent a second time, on a new connection, when a kept-alive one broke before any byte of the
 * answer. There is no queue: over `maxRequests` in flight the caller answers 503 at once.
 */
export class Upstream {
  readonly origin: string
  /** Host, with the port unless it is the scheme's own. */
  readonly authority: string
  readonly #maxRequests: number
  readonly #target: ConnectionTarget
  readonly #clock: CoarseClock
  readonly #owner: ConnectionOwner
  readonly #connections = new Set<Connection>()
  /** The last one that was used is the next one: the others grow old and are closed. */
  readonly #free: Connection[] = []
  #inFlight = 0
  #closing = false
  #settled: (() => void) | undefined

  constructor(options: UpstreamOptions) {
    this.origin = options.origin
    this.#maxRequests = options.maxRequests
    this.authority = new URL(options.origin).host
    const { connectMs, headersMs, bodyMs } = options
    this.#target = {
      ...endpointOf(options.origin),
      connectMs,
      headersMs,
      bodyMs,
      idleMs: IDLE_MS,
    }
    this.#clock = new CoarseClock(Math.min(connectMs, headersMs, bodyMs), () => {
      for (const connection of this.#connections) connection.check()
    })
    this.#owner = {
      clock: this.#clock,
      tlsSession: undefined,
      settled: () => {
        this.#inFlight--
        if (this.#inFlight === 0) this.#settled?.()
      },
      free: (connection) => {
        if (this.#closing) connection.cut()
        else this.#free.push(connection)
      },
      gone: (connection) => {
        this.#connections.delete(connection)
        const at = this.#free.lastIndexOf(connection)
        if (at >= 0) this.#free.splice(at, 1)
      },
      repeat: (call) => {
        this.#inFlight++
        call.repeatable = false
        this.#open().send(call)
      },
    }
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get full(): boolean {
    return this.#inFlight >= this.#maxRequests
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamFlow {
    const call = new Call(request, handler, request.body === null && REPEATABLE.has(request.method))
    this.#inFlight++
    const connection = this.#free.pop() ?? this.#open()
    connection.send(call)
    return call
  }

  /** Closes the connections once the requests in flight are answered. */
  async close(): Promise<void> {
    this.#closing = true
    for (const connection of this.#free.splice(0)) connection.cut()
    // One that is sent again was settled, and is in flight once more.
    while (this.#inFlight > 0)
      await new Promise<void>((resolve) => {
        this.#settled = resolve
      })
    this.#clock.stop()
  }

  /** Cuts everything; the requests in flight fail. */
  destroy(): void {
    for (const connection of this.#connections) connection.fail(STOPPED)
  }

  #open(): Connection {
    const connection = new Connection(this.#target, this.#owner)
    this.#connections.add(connection)
    return connection
  }
}
