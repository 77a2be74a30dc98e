import type { Readable } from 'node:stream'

import type { HeaderList } from '../../detectors/request.js'

/** What goes to an upstream. */
export interface UpstreamRequest {
  readonly method: string
  /** Origin form. */
  readonly path: string
  /** Name and value in turn, without framing. */
  readonly headers: readonly string[]
  readonly body: Uint8Array | Readable | null
  /** Of the body, when it is known. */
  readonly contentLength: number | undefined
}

/** Lets the receiver of a response slow it down or cut it. */
export interface UpstreamFlow {
  pause(): void
  resume(): void
  /** Nothing more is called. Of no effect once the answer is complete. */
  abort(): void
}

/** What comes back. After `onEnd` or `onError` nothing more is called. */
export interface UpstreamHandler {
  onInformational(status: number, headers: HeaderList): void
  /** @param whole content and end of the answer are here already, and follow before anything else is read */
  onHead(status: number, headers: HeaderList, flow: UpstreamFlow, whole: boolean): void
  /** The receiver owns the chunk. */
  onData(chunk: Uint8Array): void
  onEnd(trailers: HeaderList): void
  onError(error: Error): void
}
