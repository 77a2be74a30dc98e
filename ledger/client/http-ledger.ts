import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import type { Agent } from 'undici'
import { messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundAgent } from '../../runtime/outbound.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { LedgerClientError } from './errors.js'

const CONNECT_MS = 10_000
const ANSWER_MS = 60_000
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5_000
/** Largest answer: the bundle of the largest batch. */
const MAX_ANSWER = 64 * 1024 * 1024

export interface HttpLedgerOptions {
  /** `http://` or `https://` of the ledger's API. */
  readonly url: string
  /** Bearer token for writes. */
  readonly token?: string
  /** Private addresses that the ledger may be at; public ones when left out. */
  readonly outbound?: OutboundConfig
  /** How long a request is tried again, in milliseconds. */
  readonly giveUpMs: number
}

/** Requests to a ledger elsewhere, tried again as long as it cannot be known that they were answered. */
export class HttpLedger {
  readonly #base: URL
  readonly #agent: Agent
  readonly #options: HttpLedgerOptions

  /** @throws RuntimeError `OUTBOUND_REFUSED` for a URL that may not be reached */
  constructor(options: HttpLedgerOptions) {
    const outbound = options.outbound ?? { allow: [] }
    this.#options = options
    this.#base = checkOutboundUrl(options.url, outbound)
    this.#agent = outboundAgent(outbound, CONNECT_MS, MAX_ANSWER)
  }

  /**
   * The body of an answer of status 2xx. Whatever is posted must be idempotent: after a lost answer it is sent again.
   *
   * @throws LedgerClientError `REFUSED` with the ledger's reason, `UNRECORDED` when it did not answer in time
   */
  async ask(
    target: string,
    post?: { readonly type: string; readonly body: Uint8Array },
  ): Promise<Uint8Array> {
    const until = performance.now() + this.#options.giveUpMs
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(delay * 2, MAX_RETRY_MS)) {
      const outcome = await this.#try(target, post)
      if ('body' in outcome) return outcome.body
      if (performance.now() + delay > until) {
        throw new LedgerClientError('UNRECORDED', `the ledger does not answer: ${outcome.again}`)
      }
      await pause(delay)
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  async #try(
    target: string,
    post: { readonly type: string; readonly body: Uint8Array } | undefined,
  ): Promise<{ readonly body: Uint8Array } | { readonly again: string }> {
    const { token } = this.#options
    let status: number
    let body: Uint8Array
    try {
      const answer = await request(new URL(target, this.#base), {
        dispatcher: this.#agent,
        method: post === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          ...(post !== undefined && { 'content-type': post.type }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: post?.body ?? null,
        headersTimeout: ANSWER_MS,
        bodyTimeout: ANSWER_MS,
      })
      status = answer.statusCode
      body = new Uint8Array(await answer.body.arrayBuffer())
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'OUTBOUND_REFUSED') throw error
      return { again: messageOf(error) }
    }
    if (status < 300) return { body }
    const reason = `${status} ${reasonOf(body)}`
    if (status >= 500 || status === 429 || status === 408) return { again: reason }
    throw new LedgerClientError('REFUSED', `the ledger refuses: ${reason}`)
  }
}

/** Code and detail of a problem; whatever else was answered says nothing. */
function reasonOf(body: Uint8Array): string {
  try {
    const problem: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    if (typeof problem !== 'object' || problem === null) return ''
    const { code, detail } = problem as { readonly code?: unknown; readonly detail?: unknown }
    return [code, detail]
      .filter((part) => typeof part === 'string')
      .join(': ')
      .slice(0, 300)
  } catch {
    return ''
  }
}
