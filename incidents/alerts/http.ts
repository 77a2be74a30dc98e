import type { Agent } from 'undici'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundAgent, type OutboundConfig } from '../../runtime/outbound.js'
import { AlertError } from './errors.js'

const MAX_ANSWER_BYTES = 1024 * 1024
/** A receiver that asks to wait longer is asked again after this. */
const MAX_RETRY_AFTER_MS = 3_600_000

export interface AlertAnswer {
  readonly status: number
  readonly text: string
  /** Milliseconds of `Retry-After`, given in seconds (RFC 9110, section 10.2.3). */
  readonly retryAfterMs: number | undefined
}

export interface AlertHttpOptions {
  /** Of the channel; the URL itself may be a secret and stands in no message. */
  readonly name: string
  readonly url: string
  readonly timeoutMs: number
  readonly outbound: OutboundConfig
}

/** POST requests to one receiver. A redirect is not followed: it would lead where the operator did not point. */
export class AlertHttp {
  readonly #options: AlertHttpOptions
  readonly #url: URL
  readonly #agent: Agent

  constructor(options: AlertHttpOptions) {
    this.#options = options
    this.#url = new URL(options.url)
    this.#agent = outboundAgent(options.outbound, options.timeoutMs, MAX_ANSWER_BYTES)
  }

  /**
   * @param path behind the path of the URL
   * @param body JSON as it is sent
   * @returns any answer @throws AlertError `ALERT_UNREACHABLE` when none came
   */
  async post(
    body: string,
    signal: AbortSignal,
    {
      path = '',
      headers = {},
      timeoutMs = this.#options.timeoutMs,
    }: { path?: string; headers?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
  ): Promise<AlertAnswer> {
    const { name, outbound } = this.#options
    try {
      checkOutboundUrl(this.#url.href, outbound)
      const response = await this.#agent.request({
        origin: this.#url.origin,
        path:
          (path === '' ? this.#url.pathname : this.#url.pathname.replace(/\/+$/, '') + path) +
          this.#url.search,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'Portcullis/1.0', ...headers },
        body,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      const text = await response.body.text()
      return { status: response.statusCode, text, retryAfterMs: waitOf(response.headers['retry-after']) }
    } catch (cause) {
      const code = codeOf(cause)
      // Our own words name the host and what to do; those of others may hold the URL.
      if (code === 'OUTBOUND_REFUSED')
        throw new AlertError('ALERT_UNREACHABLE', `${name}: ${messageOf(cause)}`)
      throw new AlertError(
        'ALERT_UNREACHABLE',
        `${name} did not answer: ${code ?? (cause instanceof Error ? cause.name : 'unknown')}`,
      )
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

const waitOf = (header: string | string[] | undefined): number | undefined =>
  typeof header === 'string' ? boundedWait(Number(header)) : undefined

/** Milliseconds of so many seconds that a receiver asks to wait, bounded; undefined for what is no such number. */
export const boundedWait = (seconds: unknown): number | undefined =>
  typeof seconds === 'number' && seconds > 0
    ? Math.min(MAX_RETRY_AFTER_MS, Math.ceil(seconds * 1000))
    : undefined

/** The statuses after which the same request may succeed. */
export const mayRecover = (status: number): boolean =>
  status >= 500 || status === 408 || status === 409 || status === 425 || status === 429
