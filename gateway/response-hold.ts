import type { BodyView, HeaderList } from '../detectors/request.js'
import type { DecodeLimits } from './content-coding.js'
import { decodeBody } from './content-coding.js'
import { headerValue, listValues, mediaType } from './header-fields.js'

const EMPTY = new Uint8Array(0)

/** Whether a response is a stream of events, which is passed on event by event and never held. */
export const isEventStream = (headers: HeaderList): boolean =>
  mediaType(headerValue(headers, 'content-type')) === 'text/event-stream'

/** Collects a response body, up to a limit, until it can be judged. */
export class ResponseHold {
  #chunks: Uint8Array[] = []
  #size = 0

  constructor(readonly limit: number) {}

  /** @returns false once the body is over the limit */
  add(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    return this.#size <= this.limit
  }

  /** All that was collected, in one piece; the hold is empty after it. */
  take(): Uint8Array {
    const [only] = this.#chunks
    const bytes =
      this.#chunks.length === 1 && only !== undefined
        ? only
        : this.#size === 0
          ? EMPTY
          : Buffer.concat(this.#chunks, this.#size)
    this.#chunks = []
    this.#size = 0
    return bytes
  }
}

/** The codings of a message, in the order in which they were applied; a repeated field is one list. */
export const contentCodings = (headers: HeaderList): readonly string[] => {
  const values = listValues(headers, 'content-encoding')
  return values.length === 0 ? values : values.filter((coding) => coding.toLowerCase() !== 'identity')
}

/**
 * What the detectors see of a body: decoded where it was coded. What cannot be decoded, or not within the limits,
 * makes the view incomplete and names why.
 *
 * @param side prefix of the limit's name on the verdict
 * @param cut name of the limit that the body itself passed
 */
export const judgeableBody = async (
  bytes: Uint8Array,
  headers: HeaderList,
  limits: DecodeLimits,
  side: 'request' | 'response',
  cut?: string,
): Promise<BodyView> => {
  const codings = contentCodings(headers)
  const decoded = await decodeBody(bytes, codings, limits)
  const limit = cut ?? (decoded.limit === undefined ? undefined : `${side}_${decoded.limit}`)
  const view = {
    bytes: decoded.bytes,
    ...(decoded.limit === undefined && codings.length > 0 && { decoded: true as const }),
  }
  return limit === undefined ? { ...view, complete: true } : { ...view, complete: false, limit }
}
