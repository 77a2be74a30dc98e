import type { IncomingMessage } from 'node:http'

import type { BodyView, HeaderList } from '../detectors/request.js'
import type { Verdict } from '../detectors/verdict.js'
import { codeOf } from '../runtime/errors.js'
import type { Answer } from './answer.js'
import { isFinal, pageAnswer, verdictAnswer } from './answer.js'
import type { DataPlane } from './data-plane.js'
import { forwardHeaders, responseHeaders } from './forward-headers.js'
import type { UpgradeExchange } from './listener/listener.js'
import { pairHeaders } from './raw-headers.js'
import type { Transaction } from './transaction.js'
import { openTransaction } from './transaction.js'
import { relayMessages } from './upgrade-messages.js'
import { relayBytes } from './upgrade-bytes.js'
import { statusOfUpstreamError, timedOut } from './upstream/upstream-error.js'

const NO_BODY: BodyView = { bytes: new Uint8Array(0), complete: true }
/** Body of an upstream's refusal to upgrade; a longer one is not relayed. */
const MAX_REFUSAL_BYTES = 1024 * 1024

/** What a relay tells the upgrade that it serves. */
export interface UpgradeEvents {
  /** The upstream agreed, with these fields. Returns whether the client may be told so. */
  agreed(headers: HeaderList): boolean
  /** The upstream answered with something else; its body follows. */
  refused(response: IncomingMessage): void
  failed(error: Error): void
  /** Both ends are gone. */
  closed(): void
}

export interface UpgradeRelay {
  /** Ends the connection in an orderly way where the protocol has one. */
  goAway(): void
  destroy(): void
}

/** What a relay needs to ask the upstream. */
export interface UpgradeTarget {
  readonly origin: string
  readonly path: string
  /** Name and value in turn, without those of the handshake. */
  readonly headers: string[]
  readonly timeoutMs: number
  readonly maxMessageBytes: number
}

/**
 * The life of a request for a WebSocket: its head is judged like any other, then the upstream is asked, then bytes or
 * messages go both ways. What is said inside the connection is not judged; a recorded verdict says so.
 */
export class UpgradeLife {
  readonly #plane: DataPlane
  readonly #exchange: UpgradeExchange
  readonly #transaction: Transaction
  readonly #gone: () => void
  #relay: UpgradeRelay | undefined
  #answered = false
  #finished = false

  constructor(plane: DataPlane, exchange: UpgradeExchange, gone: () => void) {
    this.#plane = plane
    this.#exchange = exchange
    this.#gone = gone
    this.#transaction = openTransaction(plane, exchange)
  }

  start(): void {
    const { inspection } = this.#transaction
    this.#exchange.onAborted(() => this.#end(499))
    const { refuse } = this.#exchange
    if (refuse !== undefined) {
      this.#transaction.refusal = { status: 400, phase: 'malformed', reason: refuse }
      inspection.malformed(refuse)
      this.#answer(400)
      return
    }
    try {
      if (this.#acted(inspection.client())) return
      if (this.#acted(inspection.requestHeaders())) return
      if (this.#acted(inspection.requestBody(NO_BODY))) return
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#forward()
  }

  /** The gateway stops. */
  goAway(): void {
    if (this.#relay === undefined) this.#exchange.destroy()
    else this.#relay.goAway()
  }

  #forward(): void {
    const { site, routed, requestId } = this.#transaction
    const { upstream } = site
    if (routed === undefined) {
      this.#transaction.refusal = { status: 400, phase: 'malformed', reason: 'invalid_target' }
      this.#answer(400)
      return
    }
    if (upstream === undefined) {
      this.#plane.upstreamFailed(site.name, 503, 'GATEWAY_UPSTREAM_BUSY', 'none is configured')
      this.#answer(503)
      return
    }
    const exchange = this.#exchange
    const headers = forwardHeaders(exchange.headers, {
      requestId,
      peer: this.#transaction.peer,
      viaTrustedProxy: this.#transaction.viaTrustedProxy,
      tls: exchange.tls,
      host: this.#transaction.authority,
      upstream: upstream.authority,
      traceparent: this.#transaction.trace.traceparent,
    })
    const target: UpgradeTarget = {
      origin: upstream.origin,
      path: routed.path,
      headers,
      timeoutMs: (this.#plane.config.timeouts.connect + this.#plane.config.timeouts.response_headers) * 1000,
      maxMessageBytes: this.#plane.config.limits.message_bytes,
    }
    const events: UpgradeEvents = {
      agreed: (fields) => this.#agreed(fields),
      refused: (response) => this.#relayRefusal(response),
      failed: (error) => this.#failed(error),
      closed: () => this.#gone(),
    }
    this.#relay =
      exchange.kind === 'raw'
        ? relayBytes(exchange, target, requestId, events)
        : relayMessages(exchange, target, requestId, events)
  }

  #agreed(headers: HeaderList): boolean {
    if (this.#finished) return false
    const { inspection } = this.#transaction
    if (this.#judgedHead(101, headers)) return false
    inspection.truncate('upgraded_connection')
    this.#answered = true
    this.#finish(101)
    return true
  }

  /** An upstream that does not upgrade answers like to any request; its answer is small, so it is taken whole. */
  #relayRefusal(response: IncomingMessage): void {
    const headers = pairHeaders(response.rawHeaders)
    const status = response.statusCode ?? 502
    if (this.#judgedHead(status, headers)) {
      response.destroy()
      return
    }
    const { timeouts } = this.#plane.config
    const timer = setTimeout(
      () => response.destroy(timedOut('the body of a refusal took too long')),
      timeouts.response_headers * 1000,
    )
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_REFUSAL_BYTES) response.destroy(new Error('the refusal of an upgrade is too long'))
    })
    response.once('close', () => clearTimeout(timer))
    response.once('error', (error) => this.#failed(error))
    response.once('end', () => {
      if (this.#answered) return
      this.#answered = true
      try {
        this.#exchange.respond(
          status,
          responseHeaders(headers, this.#transaction.requestId),
          Buffer.concat(chunks),
        )
      } catch (error) {
        this.#plane.fault(error)
        this.#exchange.destroy()
      }
      this.#end(status)
    })
  }

  /** Whether the upstream's head was answered by a verdict, or could not be judged. */
  #judgedHead(status: number, headers: HeaderList): boolean {
    try {
      return this.#acted(this.#transaction.inspection.responseHeaders({ status, headers }))
    } catch (error) {
      this.#fail(error)
      return true
    }
  }

  /** A fault of ours. Nothing that was not judged to its end may pass. */
  #fail(error: unknown): void {
    this.#plane.fault(error)
    this.#answer(500)
  }

  #failed(error: Error): void {
    if (this.#answered) return
    const status = statusOfUpstreamError(error)
    this.#plane.upstreamFailed(
      this.#transaction.site.name,
      status,
      codeOf(error) ?? 'GATEWAY_UPSTREAM_RESPONSE',
      error.message,
    )
    this.#answer(status)
  }

  #acted(verdict: Verdict): boolean {
    if (!isFinal(verdict)) return this.#finished
    const answer = verdictAnswer(verdict, this.#transaction.requestId, this.#exchange.headers)
    if (answer === undefined) {
      this.#exchange.destroy()
      this.#end(0)
    } else this.#send(answer)
    return true
  }

  #answer(status: number): void {
    this.#send(pageAnswer(status, this.#transaction.requestId, this.#exchange.headers))
  }

  #send({ status, headers, body }: Answer): void {
    if (this.#answered) return
    this.#answered = true
    let sent = status
    try {
      this.#exchange.respond(status, headers, body)
    } catch (error) {
      this.#plane.fault(error)
      this.#exchange.destroy()
      sent = 0
    }
    this.#end(sent)
  }

  /** The request is over and no connection goes on. */
  #end(status: number): void {
    this.#answered = true
    this.#finish(status)
    this.#relay?.destroy()
    this.#gone()
  }

  #finish(status: number): void {
    if (this.#finished) return
    this.#finished = true
    this.#plane.finish(this.#transaction, status)
  }
}
