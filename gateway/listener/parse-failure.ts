/** Why received bytes are no request, in our words. */
export interface ParseFailure {
  /** A stable lower-case word. */
  readonly reason: string
  /** What is answered (RFC 9110 section 15.5, RFC 6585). */
  readonly status: 400 | 408 | 413 | 414 | 431 | 501 | 505
  /** The start of the bytes. */
  readonly sample?: Uint8Array
}

/** How much of the bytes a report shows. */
export const SAMPLE_BYTES = 256
