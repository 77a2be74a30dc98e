import { Readable } from 'node:stream'

import type { HeaderList } from '../detectors/request.js'
import { headerValue, mediaType } from './header-fields.js'
import type { ListenerError } from './listener/errors.js'
import type { BodyConsumer, RequestBody } from './listener/listener.js'
import { fieldOverflow, multipartBoundary } from './multipart-fields.js'

export interface HoldLimits {
  /** Bytes of fields: all of a body but the contents of uploaded files. */
  readonly fields: number
  /** Bytes in all. */
  readonly body: number
}

/** Names of these limits as they stand on a verdict. */
export type BodyLimit = 'request_body_fields' | 'request_body'

/** What was held: the whole body, or its beginning and the limit that it passed. */
export interface HeldBody {
  readonly bytes: Uint8Array
  /** How much of `bytes` the detectors may see. */
  readonly judged: Uint8Array
  readonly limit?: BodyLimit
}

export interface HoldEvents {
  /** Once: the body is complete, or over a limit and paused. */
  onHeld(held: HeldBody): void
  /** The body broke off, before or after `onHeld`; nothing comes after it. */
  onError(error: ListenerError): void
}

const EMPTY = new Uint8Array(0)

/** Types whose whole content is fields. Files sent as they are (images, archives, octets) are not. */
const isFieldType = (type: string): boolean =>
  type === '' ||
  type.startsWith('text/') ||
  type === 'application/x-www-form-urlencoded' ||
  type === 'application/json' ||
  type === 'application/graphql' ||
  type === 'application/x-ndjson' ||
  type === 'application/xml' ||
  type.endsWith('+json') ||
  type.endsWith('+xml') ||
  !type.includes('/')

/**
 * Takes a request body in, first into memory until it can be judged, then, when it is longer than that, on to a stream
 * with backpressure. `open` once; `onHeld` tells when to judge; after it `forward` gives what goes upstream.
 */
export class BodyHold implements BodyConsumer {
  readonly #body: RequestBody
  readonly #limits: HoldLimits
  readonly #events: HoldEvents
  readonly #fieldType: boolean
  readonly #boundary: string | undefined
  #chunks: Uint8Array[] = []
  #size = 0
  #settled = false
  #ended = false
  #failure: ListenerError | undefined
  #stream: Readable | undefined

  constructor(body: RequestBody, headers: HeaderList, limits: HoldLimits, events: HoldEvents) {
    this.#body = body
    this.#limits = limits
    this.#events = events
    const contentType = headerValue(headers, 'content-type') ?? ''
    const type = mediaType(contentType)
    const multipart = type === 'multipart/form-data'
    this.#boundary = multipart ? multipartBoundary(contentType) : undefined
    this.#fieldType = multipart ? this.#boundary === undefined : isFieldType(type)
  }

  /** The limit that the announced length passes already; there is no use in reading such a body to refuse it. */
  announcedOver(): BodyLimit | undefined {
    const { contentLength } = this.#body
    if (contentLength === undefined) return undefined
    if (contentLength > this.#limits.body) return 'request_body'
    return this.#fieldType && contentLength > this.#limits.fields ? 'request_body_fields' : undefined
  }

  /** Begins to hold. */
  open(): void {
    this.#body.sendContinue()
    this.#body.read(this)
  }

  /** Passes the body on without holding it. */
  pass(): Readable {
    this.#settled = true
    const stream = this.#makeStream()
    this.#body.sendContinue()
    this.#body.read(this)
    return stream
  }

  onData(chunk: Uint8Array): void {
    if (this.#stream !== undefined) {
      if (!this.#stream.push(chunk)) this.#body.pause()
      return
    }
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#settled) return
    if (this.#size > this.#limits.body) this.#settle('request_body')
    else if (this.#fieldType && this.#size > this.#limits.fields) this.#settle('request_body_fields')
  }

  onEnd(): void {
    this.#ended = true
    if (this.#stream !== undefined) this.#stream.push(null)
    else if (!this.#settled) this.#settle(undefined)
  }

  onError(error: ListenerError): void {
    this.#failure = error
    this.#stream?.destroy(error)
    this.#chunks = []
    this.#events.onError(error)
  }

  /** What goes upstream: the bytes when the body is complete, a stream of them and all that follows when it is not. */
  forward(held: HeldBody): Uint8Array | Readable {
    if (this.#ended && this.#chunks.length === 0) return held.bytes
    const stream = this.#makeStream()
    stream.push(held.bytes)
    // What was on its way when the flow was paused.
    for (const chunk of this.#chunks) stream.push(chunk)
    this.#chunks = []
    if (this.#ended) stream.push(null)
    return stream
  }

  #settle(limit: BodyLimit | undefined): void {
    this.#settled = true
    const [only] = this.#chunks
    const bytes =
      this.#chunks.length === 1 && only !== undefined
        ? only
        : this.#size === 0
          ? EMPTY
          : Buffer.concat(this.#chunks, this.#size)
    this.#chunks = []
    const over = this.#boundary === undefined ? -1 : fieldOverflow(bytes, this.#boundary, this.#limits.fields)
    const passed = over === -1 ? limit : 'request_body_fields'
    if (passed !== undefined && !this.#ended) this.#body.pause()
    const most =
      over !== -1
        ? over
        : limit === 'request_body'
          ? this.#limits.body
          : limit === undefined
            ? bytes.length
            : this.#limits.fields
    const judged = most < bytes.length ? bytes.subarray(0, most) : bytes
    this.#events.onHeld(passed === undefined ? { bytes, judged } : { bytes, judged, limit: passed })
  }

  #makeStream(): Readable {
    const stream = new Readable({
      highWaterMark: 64 * 1024,
      read: () => {
        if (!this.#ended && this.#failure === undefined) this.#body.resume()
      },
    })
    // Its failure reaches the exchange through `onError`; here it only must not be unheard.
    stream.on('error', () => undefined)
    this.#stream = stream
    return stream
  }
}
