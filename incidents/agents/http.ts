import type { Agent as Dispatcher } from 'undici'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundAgent, wasNotSent, type OutboundConfig } from '../../runtime/outbound.js'
import { shorten } from '../../runtime/text.js'
import { AgentError } from './errors.js'

const MAX_ANSWER_BYTES = 1024 * 1024
/** Longest pause that an answer may ask for. */
const MAX_RETRY_AFTER_MS = 600_000

export interface HttpAnswer {
  readonly status: number
  readonly text: string
  /** The object that the text is in JSON; undefined when it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** Milliseconds of `Retry-After`, in seconds there (RFC 9110, section 10.2.3). */
  readonly retryAfterMs: number | undefined
}

export interface AgentHttpOptions {
  /** Names the agent in errors. */
  readonly id: string
  readonly url: string
  readonly token: string | undefined
  readonly timeoutMs: number
  readonly outbound: OutboundConfig
}

/** Requests to one agent's side. A redirect is not followed: it would carry the token where the operator did not point. */
export class AgentHttp {
  readonly #options: AgentHttpOptions
  readonly #base: URL
  readonly #dispatcher: Dispatcher

  /** @throws RuntimeError `OUTBOUND_REFUSED` */
  constructor(options: AgentHttpOptions) {
    this.#options = options
    this.#base = checkOutboundUrl(options.url, options.outbound)
    this.#dispatcher = outboundAgent(options.outbound, options.timeoutMs, MAX_ANSWER_BYTES)
  }

  /**
   * @param path behind the path of the URL
   * @param body JSON as it is sent; a GET without
   * @returns any answer below 500 but 408, 425 and 429
   * @throws AgentError `AGENT_UNREACHABLE`, `AGENT_REFUSED`; ambiguous when a body was sent and no clear answer came
   */
  async request(
    path: string,
    body: string | undefined,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const { id, token, timeoutMs } = this.#options
    let answer: HttpAnswer
    try {
      const response = await this.#dispatcher.request({
        origin: this.#base.origin,
        path: (this.#base.pathname.replace(/\/+$/, '') + path || '/') + this.#base.search,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          // Some word their errors by it.
          'accept-language': 'en',
          'user-agent': 'Portcullis/1.0',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      const text = await response.body.text()
      const after = Number(response.headers['retry-after'])
      answer = {
        status: response.statusCode,
        text,
        json: objectOf(text),
        retryAfterMs: after > 0 ? Math.min(MAX_RETRY_AFTER_MS, after * 1000) : undefined,
      }
    } catch (cause) {
      const refused = codeOf(cause) === 'OUTBOUND_REFUSED'
      const reason = `${id} did not answer: ${codeOf(cause) ?? messageOf(cause)}`
      throw new AgentError('AGENT_UNREACHABLE', refused ? messageOf(cause) : reason, {
        cause,
        retryable: !refused,
        ambiguous: body !== undefined && !refused && !wasNotSent(cause),
      })
    }
    const { status } = answer
    if (status >= 500 || status === 408 || status === 425)
      throw this.refused(answer, { retryable: true, ambiguous: body !== undefined })
    return answer
  }

  /** The error for an answer that is no success. A token can be replaced; what is wrong stays so. */
  refused(
    { status, text }: HttpAnswer,
    { retryable = [401, 403, 409, 429].includes(status), ambiguous = false } = {},
  ): AgentError {
    return new AgentError('AGENT_REFUSED', `${this.#options.id} answered ${status}: ${shorten(text, 200)}`, {
      retryable,
      ambiguous,
    })
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy()
  }
}

function objectOf(text: string): HttpAnswer['json'] {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
