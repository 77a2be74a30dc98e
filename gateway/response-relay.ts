import type { BodyView, HeaderList } from '../detectors/request.js'
import type { Verdict } from '../detectors/verdict.js'
import type { DataPlane } from './data-plane.js'
import { responseHeaders } from './forward-headers.js'
import { headerValue } from './header-fields.js'
import type { Exchange, ResponseSink } from './listener/listener.js'
import { contentCodings, isEventStream, judgeableBody, ResponseHold } from './response-hold.js'
import type { Transaction } from './transaction.js'
import { judgeInTurn } from './turns.js'
import type { UpstreamFlow, UpstreamHandler } from './upstream/request.js'

export interface RelayEvents {
  /** Acts on a verdict that ends the transaction; returns whether it did, or whether the transaction is over anyway. */
  act(verdict: Verdict): boolean
  /** The whole response was handed to the listener. */
  done(status: number): void
  /** The response cannot be relayed. */
  fail(error: Error): void
}

/** Fields that have no place in a trailer section (RFC 9110, section 6.5.1). */
const NOT_IN_TRAILERS =
  /^(?:connection|content-(?:encoding|length|range|type)|host|keep-alive|set-cookie|te|trailer|transfer-encoding|upgrade)$/i

const NO_BODY: BodyView = { bytes: new Uint8Array(0), complete: true }

type State = 'waiting' | 'holding' | 'judging' | 'streaming' | 'bodyless' | 'over'

/**
 * Relays one response from the upstream to the client: as it comes, with backpressure, unless a phase needs its body;
 * then it is held up to a limit, judged, and relayed whole.
 */
export class ResponseRelay implements UpstreamHandler {
  readonly #plane: DataPlane
  readonly #exchange: Exchange
  readonly #transaction: Transaction
  readonly #events: RelayEvents
  #state: State = 'waiting'
  #flow: UpstreamFlow | undefined
  #status = 0
  /** As they go to the client. */
  #headers: HeaderList = []
  /** As the upstream sent them. */
  #received: HeaderList = []
  #contentLength: number | undefined
  #hold: ResponseHold | undefined
  #sink: ResponseSink | undefined
  /** A whole body that came together with its head: head and body then go out in one piece. */
  #whole: Uint8Array | undefined
  #trailers: HeaderList | undefined

  constructor(plane: DataPlane, exchange: Exchange, transaction: Transaction, events: RelayEvents) {
    this.#plane = plane
    this.#exchange = exchange
    this.#transaction = transaction
    this.#events = events
  }

  /** Whether the client has seen a status; from then on a failure can only cut the response. */
  get started(): boolean {
    return this.#sink !== undefined
  }

  onInformational(status: number, received: HeaderList): void {
    if (status !== 103 || this.#state === 'over') return
    this.#exchange.writeInformational(103, responseHeaders(received, this.#transaction.requestId))
  }

  onHead(status: number, received: HeaderList, flow: UpstreamFlow, whole: boolean): void {
    if (this.#state === 'over') return
    this.#flow = flow
    this.#status = status
    this.#received = received
    this.#headers = responseHeaders(received, this.#transaction.requestId)
    const length = headerValue(received, 'content-length')
    this.#contentLength = length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined
    const { inspection } = this.#transaction
    if (this.#events.act(inspection.responseHeaders({ status, headers: received }))) return
    const bodyless = this.#exchange.method === 'HEAD' || status === 204 || status === 304
    if (bodyless) {
      if (inspection.wantsResponseBody && this.#events.act(inspection.responseBody(NO_BODY))) return
      this.#state = 'bodyless'
      return
    }
    if (inspection.wantsResponseBody) {
      if (!isEventStream(received)) {
        this.#hold = new ResponseHold(this.#transaction.site.responseLimit)
        this.#state = 'holding'
        return
      }
      inspection.truncate('response_stream')
    }
    this.#state = 'streaming'
    // Head and body mostly arrive together; then they leave together, at the end.
    if (!whole || this.#contentLength === undefined) this.#start()
  }

  onData(chunk: Uint8Array): void {
    try {
      if (this.#state === 'holding') this.#holdChunk(chunk)
      else if (this.#state === 'streaming') {
        if (this.#sink === undefined) this.#whole = chunk
        else this.#write(chunk)
      }
    } catch (error) {
      this.#broken(error)
    }
  }

  onEnd(trailers: HeaderList): void {
    try {
      if (this.#state === 'judging') this.#trailers = trailers
      else if (this.#state === 'holding') {
        this.#state = 'judging'
        this.#trailers = trailers
        const bytes = this.#hold?.take() ?? NO_BODY.bytes
        if (contentCodings(this.#received).length > 0) this.#judge(bytes)
        else judgeInTurn(bytes.length, () => this.#judged(bytes, { bytes, complete: true }))
      } else if (this.#state === 'bodyless') {
        const length: HeaderList =
          this.#contentLength === undefined || this.#status === 204
            ? []
            : [['Content-Length', String(this.#contentLength)]]
        this.#exchange.respond(this.#status, [...this.#headers, ...length])
        this.#finish()
      } else if (this.#state === 'streaming') this.#endStream(trailers)
    } catch (error) {
      this.#broken(error)
    }
  }

  onError(error: Error): void {
    this.#events.fail(error)
  }

  /** Relays nothing more. */
  cut(): void {
    this.#state = 'over'
    this.#hold = undefined
    this.#whole = undefined
  }

  #holdChunk(chunk: Uint8Array): void {
    if (this.#hold === undefined || this.#hold.add(chunk)) return
    this.#state = 'judging'
    this.#flow?.pause()
    this.#judge(this.#hold.take(), 'response_body')
  }

  #judge(bytes: Uint8Array, cut?: string): void {
    const seen = cut === undefined ? bytes : bytes.subarray(0, this.#transaction.site.responseLimit)
    const limits = this.#plane.decodeLimits
    judgeableBody(seen, this.#received, limits, 'response', cut).then(
      (view) => judgeInTurn(view.bytes.length, () => this.#judged(bytes, view)),
      (error: unknown) => this.#broken(error),
    )
  }

  #judged(bytes: Uint8Array, view: BodyView): void {
    if (this.#state !== 'judging') return
    try {
      if (this.#events.act(this.#transaction.inspection.responseBody(view))) return
      this.#state = 'streaming'
      const trailers = this.#trailers
      if (trailers?.length === 0) {
        this.#exchange.respond(this.#status, this.#headers, bytes)
        this.#finish()
        return
      }
      this.#start()
      const flowing = this.#write(bytes)
      if (trailers !== undefined) this.#endStream(trailers)
      else if (flowing) this.#flow?.resume()
    } catch (error) {
      this.#broken(error)
    }
  }

  #start(): void {
    const options = this.#contentLength === undefined ? {} : { contentLength: this.#contentLength }
    this.#sink = this.#exchange.startResponse(this.#status, this.#headers, options)
    this.#sink.onDrain(() => this.#flow?.resume())
  }

  /** Returns false when the client has to catch up first; then the upstream waits too. */
  #write(chunk: Uint8Array): boolean {
    if (chunk.length === 0 || this.#sink?.write(chunk) !== false) return true
    this.#flow?.pause()
    return false
  }

  #endStream(trailers: HeaderList): void {
    if (this.#sink === undefined) {
      this.#exchange.respond(this.#status, this.#headers, this.#whole ?? NO_BODY.bytes)
    } else {
      const allowed = trailers.filter(([name]) => !NOT_IN_TRAILERS.test(name))
      if (allowed.length === 0) this.#sink.end()
      else this.#sink.end(allowed)
    }
    this.#finish()
  }

  #finish(): void {
    this.#state = 'over'
    this.#events.done(this.#status)
  }

  /** What throws here must not unwind into the client that calls us; it ends this exchange and no other. */
  #broken(error: unknown): void {
    this.#state = 'over'
    this.#events.fail(error instanceof Error ? error : new Error(String(error)))
  }
}
