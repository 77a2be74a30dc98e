import type { Agent } from 'undici'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundAgent, wasNotSent, type OutboundConfig } from '../../runtime/outbound.js'
import { shorten } from '../../runtime/text.js'
import { TrackerError, type TrackerErrorCode } from './errors.js'

/** A page of issues with long descriptions fits; more than this is not read. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
/** A tracker that asks to wait longer is asked again after this. */
const MAX_RETRY_AFTER_MS = 3_600_000

export interface TrackerRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** Path and query, put behind the path of the base URL. */
  readonly path: string
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface TrackerAnswer {
  readonly status: number
  /** Parsed JSON; undefined for an empty body. */
  readonly json: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface HttpClientOptions {
  readonly name: string
  readonly baseUrl: string
  readonly timeoutMs: number
  readonly outbound: OutboundConfig
  /** Sent with each request; holds the token. */
  readonly headers: Readonly<Record<string, string>>
  readonly now: () => number
}

/**
 * JSON requests to one tracker. Each ends in an answer with a 2xx status or a `TrackerError` that says whether the request
 * may have been carried out: any that was sent and not answered may have been, and so may one that was answered with 5xx.
 * Redirects are not followed: they would carry the token where the operator did not point.
 */
export class TrackerHttp {
  readonly #agent: Agent
  readonly #base: URL

  /** @throws RuntimeError `OUTBOUND_REFUSED` */
  constructor(readonly options: HttpClientOptions) {
    this.#base = checkOutboundUrl(options.baseUrl, options.outbound)
    this.#agent = outboundAgent(options.outbound, options.timeoutMs, MAX_ANSWER_BYTES)
  }

  /** @throws TrackerError */
  async request(request: TrackerRequest, signal: AbortSignal): Promise<TrackerAnswer> {
    const { name, timeoutMs, headers } = this.options
    const writes = request.method !== 'GET'
    let status: number
    let text: string
    let answerHeaders: TrackerAnswer['headers']
    try {
      const response = await this.#agent.request({
        origin: this.#base.origin,
        path: this.#base.pathname.replace(/\/+$/, '') + request.path,
        method: request.method,
        headers: {
          accept: 'application/json',
          'user-agent': 'Portcullis/1.0',
          ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
          ...request.headers,
        },
        ...(request.json === undefined ? {} : { body: JSON.stringify(request.json) }),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      status = response.statusCode
      answerHeaders = response.headers
      text = await response.body.text()
    } catch (cause) {
      throw this.#unanswered(cause, writes)
    }
    if (status < 200 || status > 299) throw this.#refused(status, text, answerHeaders, writes)
    if (text === '') return { status, json: undefined, headers: answerHeaders }
    try {
      return { status, json: JSON.parse(text) as unknown, headers: answerHeaders }
    } catch (cause) {
      throw new TrackerError('TRACKER_ANSWER', `${name} answered ${status} with something that is not JSON`, {
        retryable: true,
        ambiguous: writes,
        cause,
      })
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #unanswered(cause: unknown, writes: boolean): TrackerError {
    const { name } = this.options
    const code = codeOf(cause)
    const refused = code === 'OUTBOUND_REFUSED'
    if (refused || wasNotSent(cause))
      return new TrackerError('TRACKER_UNREACHABLE', `${name} cannot be reached: ${messageOf(cause)}`, {
        retryable: !refused,
        ambiguous: false,
        cause,
      })
    return new TrackerError('TRACKER_NO_ANSWER', `${name} did not answer: ${code ?? messageOf(cause)}`, {
      retryable: true,
      ambiguous: writes,
      cause,
    })
  }

  #refused(status: number, text: string, headers: TrackerAnswer['headers'], writes: boolean): TrackerError {
    const after = retryAfter(headers, this.options.now())
    // GitHub tells of its rate limits with 403 too.
    const limited = status === 403 && (after !== undefined || headers['x-ratelimit-remaining'] === '0')
    return refusal(limited ? 429 : status, `${this.options.name} answered ${status}: ${shorten(text, 200)}`, {
      writes,
      ...(after === undefined ? {} : { retryAfterMs: after }),
    })
  }
}

/**
 * The error for a status, of HTTP or of an envelope that has the same numbers. 5xx is ambiguous after a write: what failed
 * may be something that came after the work was done.
 */
export function refusal(
  status: number,
  message: string,
  { writes, retryAfterMs }: { readonly writes: boolean; readonly retryAfterMs?: number },
): TrackerError {
  const unknown = writes && (status >= 500 || status === 408)
  return new TrackerError(codeFor(status), message, {
    // A token can be replaced and a rate limit ends; what is wrong or gone stays so.
    retryable: status >= 500 || [401, 403, 408, 409, 425, 429].includes(status),
    ambiguous: unknown,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function codeFor(status: number): TrackerErrorCode {
  if (status === 401 || status === 403) return 'TRACKER_UNAUTHORIZED'
  if (status === 404 || status === 410) return 'TRACKER_NOT_FOUND'
  if (status === 409) return 'TRACKER_CONFLICT'
  if (status === 425 || status === 429) return 'TRACKER_BUSY'
  if (status === 408) return 'TRACKER_NO_ANSWER'
  if (status >= 500) return 'TRACKER_FAILED'
  return status >= 400 ? 'TRACKER_INVALID' : 'TRACKER_ANSWER'
}

/** Milliseconds from `Retry-After` (RFC 9110, section 10.2.3) or GitHub's `x-ratelimit-reset`. */
export function retryAfter(headers: TrackerAnswer['headers'], now: number): number | undefined {
  const value = headers['retry-after']
  if (typeof value === 'string' && value !== '')
    return bounded(/^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now)
  const reset = headers['x-ratelimit-reset']
  if (headers['x-ratelimit-remaining'] === '0' && typeof reset === 'string' && /^\d{1,12}$/.test(reset))
    return bounded(Number(reset) * 1000 - now)
  return undefined
}

const bounded = (ms: number): number | undefined =>
  Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : undefined
