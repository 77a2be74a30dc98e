import type { Agent } from 'undici'
import { z } from 'zod'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundAgent } from '../../runtime/outbound.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { AnchorError } from './errors.js'

/** Far above any answer that is asked for; more is not read. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const MAX_SHOWN = 200

export interface JsonRpcOptions {
  readonly outbound: OutboundConfig
  readonly timeoutMs: number
}

const answerSchema = z.object({
  id: z.int(),
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
})

/** An endpoint refused a call. */
export class RpcRefusal extends AnchorError {
  /** What the endpoint sent along: the revert data of a contract, mostly. */
  readonly data: unknown

  constructor(message: string, data: unknown) {
    super('RPC_REFUSED', message)
    this.data = data
  }
}

/** One JSON-RPC 2.0 endpoint over HTTP. Nothing that it says is believed further than the schema that the caller gives. */
export class JsonRpc {
  /** Host and port, for people. */
  readonly endpoint: string
  readonly #url: URL
  readonly #agent: Agent
  readonly #timeoutMs: number
  #id = 0

  /** @throws RuntimeError `OUTBOUND_REFUSED` */
  constructor(url: string, { outbound, timeoutMs }: JsonRpcOptions) {
    this.#url = checkOutboundUrl(url, outbound)
    this.endpoint = this.#url.host
    this.#agent = outboundAgent(outbound, timeoutMs, MAX_ANSWER_BYTES)
    this.#timeoutMs = timeoutMs
  }

  /** @throws AnchorError `RPC_FAILED`, {@link RpcRefusal}, `RPC_MALFORMED` */
  async call<T>(method: string, params: readonly unknown[], schema: z.ZodType<T>): Promise<T> {
    const id = ++this.#id
    const answer = answerSchema.safeParse(await this.#post({ jsonrpc: '2.0', id, method, params }))
    if (!answer.success || answer.data.id !== id)
      throw this.#error('RPC_MALFORMED', method, 'the answer is none')
    const { error, result } = answer.data
    if (error !== undefined) {
      const message = `${this.endpoint} refused ${method}: ${JSON.stringify(error.message.slice(0, MAX_SHOWN))}`
      throw new RpcRefusal(message, error.data)
    }
    const parsed = schema.safeParse(result)
    if (!parsed.success)
      throw this.#error('RPC_MALFORMED', method, 'the answer has another shape', parsed.error)
    return parsed.data
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #post(body: object): Promise<unknown> {
    const method = String(Reflect.get(body, 'method'))
    try {
      const response = await this.#agent.request({
        origin: this.#url.origin,
        path: this.#url.pathname + this.#url.search,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
        headersTimeout: this.#timeoutMs,
        bodyTimeout: this.#timeoutMs,
        signal: AbortSignal.timeout(this.#timeoutMs),
      })
      const text = await response.body.text()
      // A JSON-RPC error may come with any status.
      if (response.statusCode === 200 || text.startsWith('{')) return JSON.parse(text)
      throw this.#error('RPC_FAILED', method, `HTTP status ${response.statusCode}`)
    } catch (cause) {
      if (cause instanceof AnchorError) throw cause
      throw this.#error('RPC_FAILED', method, codeOf(cause) ?? messageOf(cause).slice(0, MAX_SHOWN), cause)
    }
  }

  #error(code: 'RPC_FAILED' | 'RPC_MALFORMED', method: string, what: string, cause?: unknown): AnchorError {
    return new AnchorError(code, `${this.endpoint}, ${method}: ${what}`, { cause })
  }
}
