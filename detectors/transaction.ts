import type { Ports } from './ports.js'
import type { BodyView, ClientInfo, HeaderList, RequestHead, ResponseHead } from './request.js'
import { byteString } from './transaction/bytes.js'
import { joinContentTypes } from './transaction/content-type.js'
import { type CookieList, parseCookies } from './transaction/cookies.js'
import { type FormFields, parseForm } from './transaction/form.js'
import { HeaderMap } from './transaction/header-map.js'
import type { NamedValue } from './transaction/pairs.js'
import { type TargetParts, splitTarget } from './transaction/target.js'

/** Most parameters, and most cookies, that the views of one transaction hold; more shows as `truncated`. */
export const MAX_FIELDS = 1000

const EMPTY_BODY: BodyView = { bytes: new Uint8Array(0), complete: true }
const NO_HEADERS: HeaderList = []

/**
 * What is judged: one request and, once it is there, its response. Every view is parsed when it is first asked for, once, and is bounded; a
 * limit that cut something stands in `truncated`. All text is byte strings (one char per byte).
 */
export class Transaction {
  /** Milliseconds since the Unix epoch at which judging began. */
  readonly startedAt: number
  readonly headers: HeaderMap
  /** Why the gateway refuses this request although it could be parsed; undefined for any other request. */
  malformed: string | undefined

  readonly #truncated: string[] = []
  #target: TargetParts | undefined
  #args: FormFields | undefined
  #cookies: CookieList | undefined
  #requestBody: BodyView | undefined
  #requestText: string | undefined
  #response: ResponseHead | undefined
  #responseHeaders: HeaderMap | undefined
  #responseBody: BodyView | undefined
  #responseText: string | undefined

  constructor(
    readonly client: ClientInfo,
    readonly head: RequestHead,
    readonly ports: Ports,
  ) {
    this.startedAt = ports.clock.now()
    this.headers = new HeaderMap(joinContentTypes(head.headers))
  }

  /** Milliseconds since the Unix epoch, from the injected clock: the only clock there is. */
  now(): number {
    return this.ports.clock.now()
  }

  get id(): string {
    return this.head.requestId
  }

  get method(): string {
    return this.head.method
  }

  /** The request target exactly as sent. */
  get target(): string {
    return this.head.target
  }

  /** Path and query without scheme and authority, not decoded. */
  get uri(): string {
    return this.#parts().uri
  }

  /** Where in `target` the `uri` begins. */
  get uriStart(): number {
    return this.#parts().start
  }

  /** The path, not decoded. */
  get path(): string {
    return this.#parts().path
  }

  /** What follows the last slash of the path. */
  get basename(): string {
    return this.#parts().basename
  }

  /** The query string, not decoded and without its `?`; empty when there is none. */
  get query(): string {
    return this.#parts().query ?? ''
  }

  /** `HTTP/1.1`, as in a request line. */
  get protocol(): string {
    return `HTTP/${this.head.httpVersion}`
  }

  /** Value of the Host header; empty when there is none. */
  get host(): string {
    return this.headers.get('host') ?? ''
  }

  /** Decoded parameters of the query string. */
  get args(): readonly NamedValue[] {
    if (this.#args === undefined) {
      this.#args = parseForm(this.query, MAX_FIELDS)
      if (this.#args.limited) this.truncate('arguments')
    }
    return this.#args.fields
  }

  get cookies(): readonly NamedValue[] {
    if (this.#cookies === undefined) {
      this.#cookies = parseCookies(this.headers.all('cookie'), MAX_FIELDS)
      if (this.#cookies.limited) this.truncate('cookies')
    }
    return this.#cookies.cookies
  }

  /** The request body as far as it was held; empty before `setRequestBody`. */
  get requestBody(): BodyView {
    return this.#requestBody ?? EMPTY_BODY
  }

  get requestBodyText(): string {
    return (this.#requestText ??= byteString(this.requestBody.bytes))
  }

  /** Hands over the request body; a cut one is noted in `truncated` under its limit's name. */
  setRequestBody(body: BodyView): void {
    this.#requestBody = body
    this.#requestText = undefined
    if (!body.complete) this.truncate(body.limit ?? 'request_body')
  }

  /** Undefined until the upstream has answered. */
  get response(): ResponseHead | undefined {
    return this.#response
  }

  get responseHeaders(): HeaderMap {
    return (this.#responseHeaders ??= new HeaderMap(this.#response?.headers ?? NO_HEADERS))
  }

  setResponse(head: ResponseHead): void {
    this.#response = head
    this.#responseHeaders = undefined
  }

  get responseBody(): BodyView {
    return this.#responseBody ?? EMPTY_BODY
  }

  get responseBodyText(): string {
    return (this.#responseText ??= byteString(this.responseBody.bytes))
  }

  setResponseBody(body: BodyView): void {
    this.#responseBody = body
    this.#responseText = undefined
    if (!body.complete) this.truncate(body.limit ?? 'response_body')
  }

  /** Names of the limits that kept a part of this transaction from being judged. */
  get truncated(): readonly string[] {
    return this.#truncated
  }

  /** Notes that the limit `name` cut something; each name is kept once. */
  truncate(name: string): void {
    if (!this.#truncated.includes(name)) this.#truncated.push(name)
  }

  #parts(): TargetParts {
    return (this.#target ??= splitTarget(this.head.target))
  }
}
