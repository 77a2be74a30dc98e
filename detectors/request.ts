/**
 * What a listener delivers. Every string is a byte string: one char per byte of what the client sent (latin1), so that
 * nothing is lost to a text encoding.
 */

export type HeaderList = readonly (readonly [name: string, value: string])[]

export interface ClientInfo {
  /** The address that policies apply to: the peer, or what a trusted proxy says. */
  readonly address: string
  readonly port: number
  readonly serverAddress: string
  readonly serverPort: number
  readonly tls: boolean
}

export interface RequestHead {
  readonly requestId: string
  readonly method: string
  /** The request target exactly as sent: origin, absolute, authority or asterisk form. */
  readonly target: string
  /** As the request line names it, e.g. `1.1`; listeners accept 1.0, 1.1 and 2.0. */
  readonly httpVersion: string
  /** In the order and case in which they came. */
  readonly headers: HeaderList
}

export interface ResponseHead {
  readonly status: number
  readonly headers: HeaderList
}

/** How much of a body the detectors get to see. */
export interface BodyView {
  readonly bytes: Uint8Array
  /** False when the body went on past what was held. */
  readonly complete: boolean
  /** The limit that cut it, as it is named on the verdict. */
  readonly limit?: string
  /** The message had a content coding and these bytes are without it. */
  readonly decoded?: true
}
