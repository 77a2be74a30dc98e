import type { Duplex } from 'node:stream'
import type { HeaderList } from '../../detectors/request.js'
import type { ListenerError } from './errors.js'

/**
 * The gateway's door. A listener delivers exactly the bytes that a client sent, or answers 400 and reports it. Three
 * implementations stand behind this interface and one conformance suite judges them. All strings are byte strings (one
 * char per byte, latin1); bodies are `Uint8Array`s that the receiver owns.
 *
 * Callbacks given here should not throw; what they throw cuts the exchange and goes to `onFailure`, so that nothing
 * unwinds into a parser.
 */

export type ListenerName = 'strict' | 'node' | 'uws'

/** One bound server. */
export interface Listener {
  readonly name: ListenerName
  /** Where it listens; the port is the real one, also when 0 was asked for. */
  readonly address: { readonly host: string; readonly port: number }
  /** What this listener cannot deliver, a sentence each, for the start banner. */
  readonly limits: readonly string[]
  /** Whether several threads can listen on one port (see {@link ListenOptions.sharePort}). */
  readonly sharesPort: boolean
  /**
   * Stops accepting, lets exchanges in flight finish (their responses say `Connection: close`), and cuts what is left
   * after `graceMs`. Resolves when no connection is left. Calling it again gives the same promise.
   */
  close(graceMs: number): Promise<void>
}

export interface ListenTls {
  /** PEM. */
  readonly key: string
  /** PEM, leaf first. */
  readonly cert: string
  /** OpenSSL's name of the oldest version spoken; default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** All in milliseconds. */
export interface ListenTimeouts {
  /** From the first chance to send a request head to its last byte. Over it: 408. */
  readonly headersMs: number
  /** How long a kept-alive connection may wait for its next request. */
  readonly idleMs: number
  /** How long a body that is being read, or a response that is being written, may stand still. */
  readonly bodyIdleMs: number
}

export interface ListenOptions {
  readonly host: string
  /** 0 asks for any free port. */
  readonly port: number
  /**
   * Lets other threads of this process listen on the same port too; default false. Only where the listener `sharesPort`:
   * elsewhere `listen` fails with `LISTENER_UNAVAILABLE`. End such a thread by closing its listener, never by
   * `Worker.terminate()`: with sockets of uWebSockets open that aborts the process.
   */
  readonly sharePort?: boolean
  readonly tls?: ListenTls
  readonly timeouts: ListenTimeouts
  /**
   * How fast a body that is being read must come, in bytes per second on average over `bodyIdleMs`; slower counts as standing
   * still. Default 0: at any speed. Only where the limits do not say otherwise.
   */
  readonly minBodyRate?: number
  /** Request line and headers together. Over it: 431, or a closed connection where the limits say so. */
  readonly maxHeaderBytes: number
  /** Longest WebSocket message that a `websocket` upgrade accepts, in bytes; default 16 MiB. */
  readonly maxMessageBytes?: number
  onExchange(exchange: Exchange): void
  /** An HTTP/1.1 request that asks for `Upgrade: websocket`. Other upgrades are ignored, as RFC 9110 section 7.8 allows. */
  onUpgrade(exchange: UpgradeExchange): void
  /** Bytes that never became an exchange, or a body that broke off in bad framing. */
  onMalformed(event: MalformedInfo): void
  /** One of the callbacks threw this. The exchange it belongs to has been cut. */
  onFailure(error: unknown): void
}

export interface MalformedInfo {
  /** The client's address; empty when the listener cannot know it. */
  readonly client: string
  /** A stable lower-case word, e.g. `invalid_method`, `header_overflow`, `headers_timeout`, `undecodable_bytes`. */
  readonly reason: string
  readonly listener: ListenerName
  /** How many connections this report stands for. */
  readonly count: number
  /** The start of what was received, at most 256 bytes, when the listener saw it. */
  readonly sample?: Uint8Array
}

export interface SocketEnd {
  readonly address: string
  readonly port: number
}

/** What every request has, whether or not it asks for an upgrade. */
export interface RequestInfo {
  readonly method: string
  /** The request target exactly as sent. */
  readonly target: string
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  /**
   * All header fields in the order, case and number in which they came. HTTP/2: `:authority` comes first, as `Host`, unless
   * a `host` field is there; the other pseudo-headers are `method` and `target`.
   */
  readonly headers: HeaderList
  readonly peer: SocketEnd
  readonly local: SocketEnd
  readonly tls: boolean
  /**
   * Set when the request could be parsed but must be refused; one of `RefusalReason`. The gateway runs its rules, logs,
   * and answers 400. Its body must not be forwarded.
   */
  readonly refuse?: RefusalReason
  /** Calls back once when the client goes away before the response is complete. Registered late, it still calls. */
  onAborted(callback: () => void): void
}

export type RefusalReason =
  | 'missing_host'
  | 'empty_host'
  | 'fragment_in_target'
  | 'several_hosts'
  | 'invalid_host'
  | 'differing_content_length'
  | 'invalid_content_length'
  | 'content_length_with_transfer_encoding'
  | 'unknown_transfer_coding'
  | 'transfer_encoding_in_http_1_0'
  | 'unsupported_expectation'
  | 'connect_method'

export interface Exchange extends RequestInfo {
  readonly body: RequestBody
  /** True once the response is complete or the client is gone; every later call is then a no-op. */
  readonly finished: boolean
  /**
   * Sends an informational response before the final one. `103` only: `100` is {@link RequestBody.sendContinue}. Returns
   * false where this listener or protocol version cannot.
   */
  writeInformational(status: 103, headers: HeaderList): boolean
  /**
   * The whole response; a string body is a byte string. `Content-Length` and `Connection` are ours: those given are left out. For HEAD, 204 and 304 no
   * body bytes are sent; for HEAD and 304 a given `Content-Length` is kept when no body is given.
   * @throws ListenerError `INVALID_RESPONSE` for a header that cannot be sent, `RESPONSE_STARTED` for a second response.
   */
  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void
  /**
   * A streamed response; the head is sent at once. The framing is ours: `contentLength` when it is known, else chunked
   * (HTTP/1.1) or until close (HTTP/1.0).
   * @throws ListenerError as `respond`.
   */
  startResponse(status: number, headers: HeaderList, options?: ResponseOptions): ResponseSink
  /** Cuts the connection (HTTP/2: the stream) without a response. */
  destroy(): void
}

export interface ResponseOptions {
  /** Exactly so many bytes will be written. For HEAD and 304: what a GET would have had. */
  readonly contentLength?: number
}

/** The writing half of a streamed response. */
export interface ResponseSink {
  /**
   * Sends a chunk at once; the sink owns it from here on. Returns false when the client is slower than we are: wait for
   * `onDrain` before writing more. Bytes for HEAD, 204 and 304 are dropped. More bytes than `contentLength`, or `end` with
   * fewer, cut the connection, so that the client sees a broken response and not a wrong one.
   */
  write(chunk: Uint8Array): boolean
  /** Called each time that the buffer is empty again after a `write` returned false. One callback; a new one replaces it. */
  onDrain(callback: () => void): void
  /** Bytes accepted but not yet taken by the operating system. */
  readonly bufferedBytes: number
  /** Completes the response. Trailers are sent with chunked framing and HTTP/2 where the listener can, else left out. */
  end(trailers?: HeaderList): void
  /** Cuts the response, so that the client knows that it is incomplete. */
  destroy(): void
}

/** The request's body. Nothing is read from the client, beyond a socket buffer or so, before `read` is called. */
export interface RequestBody {
  /** Whether the framing announces a body (it may still have no bytes). Without one, `read` ends at once. */
  readonly present: boolean
  /** The announced length; absent for chunked bodies and HTTP/2 without the header. */
  readonly contentLength?: number
  /** The client waits for `100 Continue`: call `sendContinue`, or answer without reading. */
  readonly expectsContinue: boolean
  /** Sends `100 Continue`, once; a no-op when nothing waits for it. */
  sendContinue(): void
  /** Starts the flow. Once per body. */
  read(consumer: BodyConsumer): void
  /** Stops the flow: after at most `bufferedBytes` that were already in memory, the client's TCP window closes. */
  pause(): void
  resume(): void
  /** Bytes received from the client and not yet given to the consumer. */
  readonly bufferedBytes: number
}

/** Exactly one of `onEnd` and `onError` is called, and nothing after it. */
export interface BodyConsumer {
  onData(chunk: Uint8Array): void
  onEnd(trailers: HeaderList): void
  /** `MALFORMED_BODY` (answer 400), `BODY_TIMEOUT` (answer 408) or `CLIENT_ABORTED` (nobody to answer). */
  onError(error: ListenerError): void
}

/**
 * A request for `Upgrade: websocket`. It is `raw` where the listener can hand over the connection itself (strict, node) and
 * `websocket` where it speaks the protocol and hands over messages (uws).
 */
export type UpgradeExchange = RawUpgrade | WebSocketUpgrade

interface UpgradeRequest extends RequestInfo {
  /** Answers without upgrading; the connection closes after it. */
  respond(status: number, headers: HeaderList, body?: Uint8Array | string): void
  destroy(): void
}

export interface RawUpgrade extends UpgradeRequest {
  readonly kind: 'raw'
  /**
   * Hands over the connection. From here on it is the caller's: it writes the 101 (or whatever the upstream answered)
   * itself, pipes, and destroys. `head` holds bytes that came right behind the request.
   */
  accept(): { readonly socket: Duplex; readonly head: Uint8Array }
}

export interface WebSocketUpgrade extends UpgradeRequest {
  readonly kind: 'websocket'
  /** Subprotocols that the client offered, in order. */
  readonly protocols: readonly string[]
  /**
   * Sends the 101 with these further headers (those of the handshake itself are ours) and the chosen subprotocol. No
   * extension is negotiated. `open` is called before `accept` returns or shortly after it.
   */
  accept(
    options: { readonly headers?: HeaderList; readonly protocol?: string },
    handlers: WebSocketHandlers,
  ): void
}

export interface WebSocketHandlers {
  onOpen(peer: WebSocketPeer): void
  /** A whole message; the receiver owns the bytes. */
  onMessage(message: Uint8Array, binary: boolean): void
  /** Exactly once. 1006 when the connection broke off. */
  onClose(code: number, reason: Uint8Array): void
}

/** The client's end of an accepted WebSocket; every call after the close is a no-op. */
export interface WebSocketPeer {
  /** Returns false when the client is slower than we are: wait for `onDrain`. */
  send(message: Uint8Array, binary: boolean): boolean
  onDrain(callback: () => void): void
  readonly bufferedBytes: number
  /** Sends a close frame (1005 sends one without a code) and closes. */
  close(code: number, reason: Uint8Array): void
  /** Cuts the connection. */
  destroy(): void
}
