import type { Readable } from 'node:stream'

import type { Inspection } from '../detectors/inspection.js'
import type { BodyView, HeaderList } from '../detectors/request.js'
import type { Verdict } from '../detectors/verdict.js'
import { codeOf } from '../runtime/errors.js'
import type { Answer } from './answer.js'
import { isFinal, pageAnswer, verdictAnswer } from './answer.js'
import type { BodyLimit, HeldBody } from './body-hold.js'
import { BodyHold } from './body-hold.js'
import { narrowAcceptEncoding } from './content-coding.js'
import type { DataPlane } from './data-plane.js'
import { forwardHeaders } from './forward-headers.js'
import { listValues } from './header-fields.js'
import type { ListenerError } from './listener/errors.js'
import type { Exchange } from './listener/listener.js'
import type { Refusal } from './refusal.js'
import { contentCodings, judgeableBody } from './response-hold.js'
import type { RelayEvents } from './response-relay.js'
import { ResponseRelay } from './response-relay.js'
import { routeOf } from './site.js'
import type { Transaction } from './transaction.js'
import { openTransaction } from './transaction.js'
import { judgeInTurn } from './turns.js'
import type { UpstreamFlow } from './upstream/request.js'
import { statusOfUpstreamError } from './upstream/upstream-error.js'

/** Answer to `OPTIONS *`, which asks about the server itself. */
const SERVER_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

const NO_BODY: BodyView = { bytes: new Uint8Array(0), complete: true }

/**
 * The life of one request: admit, judge, hold, forward, judge the answer, relay it, record. Each step runs at once when
 * what it needs is there; the only waits are for bytes of the client and of the upstream, and for the turn of a large body.
 */
export class ExchangeLife implements RelayEvents {
  readonly #plane: DataPlane
  readonly #exchange: Exchange
  readonly #transaction: Transaction
  readonly #inspection: Inspection
  #flow: UpstreamFlow | undefined
  #relay: ResponseRelay | undefined
  #closed = false

  constructor(plane: DataPlane, exchange: Exchange) {
    this.#plane = plane
    this.#exchange = exchange
    this.#transaction = openTransaction(plane, exchange)
    this.#inspection = this.#transaction.inspection
  }

  /** Runs the request up to its first wait. */
  start(): void {
    const exchange = this.#exchange
    exchange.onAborted(() => this.#abort())
    if (exchange.refuse !== undefined) {
      const verdict = this.#inspection.malformed(exchange.refuse)
      this.#refuse({ status: 400, phase: 'malformed', reason: exchange.refuse }, verdict)
      return
    }
    if (this.#acted(this.#inspection.client())) return
    if (this.#acted(this.#inspection.requestHeaders())) return
    if (!exchange.body.present) this.#judgeBody(NO_BODY, null)
    else if (this.#inspection.wantsRequestBody) this.#holdBody()
    else this.#passBody()
  }

  #holdBody(): void {
    const hold = new BodyHold(this.#exchange.body, this.#exchange.headers, this.#transaction.site.limits, {
      onHeld: (held) => this.#held(hold, held),
      onError: (error) => this.#bodyFailed(error),
    })
    const over = hold.announcedOver()
    if (over !== undefined && !this.#mayPassPartly()) {
      this.#inspection.truncate(over)
      this.#tooLarge(over)
      return
    }
    hold.open()
  }

  /** A phase said that this body need not be judged: it goes on as it comes. */
  #passBody(): void {
    const hold = new BodyHold(this.#exchange.body, this.#exchange.headers, this.#transaction.site.limits, {
      onHeld: () => undefined,
      onError: (error) => this.#bodyFailed(error),
    })
    if (this.#acted(this.#inspection.requestBody(NO_BODY))) return
    this.#forward(hold.pass(), this.#exchange.body.contentLength)
  }

  #mayPassPartly(): boolean {
    const { site } = this.#transaction
    return site.mode === 'detect' || routeOf(site, this.#exchange.target).body === 'process-partial'
  }

  #held(hold: BodyHold, held: HeldBody): void {
    if (held.limit !== undefined && !this.#mayPassPartly()) {
      this.#inspection.truncate(held.limit)
      this.#tooLarge(held.limit)
      return
    }
    const headers = this.#exchange.headers
    const judge = (view: BodyView): void => {
      judgeInTurn(view.bytes.length, () => {
        if (!this.#over()) this.#judgeBody(view, hold, held)
      })
    }
    if (contentCodings(headers).length === 0) {
      const view: BodyView =
        held.limit === undefined
          ? { bytes: held.judged, complete: true }
          : { bytes: held.judged, complete: false, limit: held.limit }
      judge(view)
    } else
      judgeableBody(held.judged, headers, this.#plane.decodeLimits, 'request', held.limit).then(
        judge,
        (error: unknown) => this.#fail(error),
      )
  }

  #judgeBody(view: BodyView, hold: BodyHold | null, held?: HeldBody): void {
    try {
      if (this.#acted(this.#inspection.requestBody(view))) return
      if (hold === null || held === undefined) this.#forward(null)
      else {
        const body = hold.forward(held)
        this.#forward(body, body instanceof Uint8Array ? body.length : this.#exchange.body.contentLength)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #forward(body: Uint8Array | Readable | null, contentLength?: number): void {
    const exchange = this.#exchange
    const transaction = this.#transaction
    const { site, routed, requestId } = transaction
    if (routed === undefined) {
      this.#answerUnroutable()
      return
    }
    const { upstream } = site
    if (upstream === undefined || upstream.full) {
      const problem =
        upstream === undefined ? 'none is configured' : `${upstream.inFlight} requests in flight`
      this.#plane.upstreamFailed(site.name, 503, 'GATEWAY_UPSTREAM_BUSY', problem)
      this.#answer(503, [['Retry-After', '1']])
      return
    }
    const headers = forwardHeaders(exchange.headers, {
      requestId,
      peer: transaction.peer,
      viaTrustedProxy: transaction.viaTrustedProxy,
      tls: exchange.tls,
      host: transaction.authority,
      upstream: upstream.authority,
      acceptEncoding: site.mayReadResponse
        ? narrowAcceptEncoding(listValues(exchange.headers, 'accept-encoding'))
        : undefined,
      traceparent: transaction.trace.traceparent,
    })
    const relay = new ResponseRelay(this.#plane, exchange, transaction, this)
    this.#relay = relay
    this.#flow = upstream.send(
      { method: exchange.method, path: routed.path, headers, body, contentLength },
      relay,
    )
  }

  /** The relay's: a verdict over the response. */
  act(verdict: Verdict): boolean {
    return this.#acted(verdict)
  }

  /** The relay's: the response is with the listener. */
  done(status: number): void {
    this.#close(status)
  }

  /** The relay's: the upstream's answer cannot be had, or not be relayed. */
  fail(error: Error): void {
    if (this.#over()) return
    const status = statusOfUpstreamError(error)
    const { site } = this.#transaction
    this.#plane.upstreamFailed(site.name, status, codeOf(error) ?? 'GATEWAY_UPSTREAM_RESPONSE', error.message)
    // Once the status is out, only a cut tells the client that the body is not complete.
    if (this.#relay?.started === true) this.#cutClient()
    else this.#answer(status)
  }

  /** Targets that no upstream of a reverse proxy is asked for. */
  #answerUnroutable(): void {
    const { method, target } = this.#exchange
    if (method === 'OPTIONS' && target === '*') {
      const headers: HeaderList = [['X-Request-Id', this.#transaction.requestId]]
      this.#send({ status: 204, headers: [['Allow', SERVER_METHODS], ...headers], body: '' })
    } else this.#refuse({ status: 400, phase: 'malformed', reason: 'invalid_target' })
  }

  /** Acts on a verdict that ends the transaction. Returns whether it did. */
  #acted(verdict: Verdict): boolean {
    if (!isFinal(verdict)) return this.#over()
    const answer = verdictAnswer(verdict, this.#transaction.requestId, this.#exchange.headers)
    if (answer === undefined) this.#cutClient()
    else this.#send(answer)
    return true
  }

  #tooLarge(limit: BodyLimit): void {
    this.#refuse({ status: 413, phase: 'request', reason: limit })
  }

  #refuse(refusal: Refusal, verdict?: Verdict): void {
    this.#transaction.refusal = refusal
    this.#answer(
      verdict !== undefined && isFinal(verdict) && verdict.status >= 400 ? verdict.status : refusal.status,
    )
  }

  #answer(status: number, extra: HeaderList = []): void {
    this.#send(pageAnswer(status, this.#transaction.requestId, this.#exchange.headers, extra))
  }

  #send({ status, headers, body }: Answer): void {
    let sent = status
    try {
      if (!this.#exchange.finished) this.#exchange.respond(status, headers, body)
    } catch (error) {
      // A field that a rule made of the request cannot be sent. The client gets nothing and the verdict is kept.
      this.#plane.fault(error)
      this.#exchange.destroy()
      sent = 0
    }
    this.#close(sent)
  }

  #bodyFailed(error: ListenerError): void {
    if (this.#over()) return
    const code = codeOf(error)
    if (code === 'CLIENT_ABORTED') {
      this.#abort()
      return
    }
    if (this.#relay?.started === true) this.#cutClient()
    else if (code === 'BODY_TIMEOUT') this.#answer(408)
    else this.#refuse({ status: 400, phase: 'malformed', reason: 'malformed_body' })
  }

  /** A fault of ours. Nothing that was not judged to its end may pass. */
  #fail(error: unknown): void {
    this.#plane.fault(error)
    if (this.#over()) return
    if (this.#relay?.started === true) this.#cutClient()
    else this.#answer(500)
  }

  #abort(): void {
    if (this.#over()) return
    this.#close(499)
  }

  #cutClient(): void {
    this.#exchange.destroy()
    this.#close(0)
  }

  #over(): boolean {
    return this.#closed
  }

  /** The answer is known: the transaction ends and is recorded. */
  #close(status: number): void {
    if (this.#closed) return
    this.#closed = true
    this.#relay?.cut()
    // Of no effect once the upstream's answer is complete.
    this.#flow?.abort()
    this.#plane.finish(this.#transaction, status)
  }
}
