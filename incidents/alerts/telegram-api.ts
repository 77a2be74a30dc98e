import { z } from 'zod'
import { shorten } from '../../runtime/text.js'
import { AlertError } from './errors.js'
import { boundedWait, mayRecover } from './http.js'
import type { AlertHttp } from './http.js'

const answerSchema = z.looseObject({
  ok: z.boolean(),
  result: z.unknown().optional(),
  error_code: z.number().optional(),
  description: z.string().optional(),
  parameters: z
    .looseObject({ retry_after: z.number().optional(), migrate_to_chat_id: z.number().optional() })
    .optional(),
})

/** The Bot API of Telegram (core.telegram.org/bots/api). The token is part of every URL, so no URL stands in an error. */
export class TelegramApi {
  readonly #name: string
  readonly #http: AlertHttp
  readonly #token: string

  /** @throws AlertError `ALERT_CONFIG` for what cannot be a token; in a URL it could become something else */
  constructor(name: string, http: AlertHttp, token: string) {
    if (!/^[\w:-]{1,200}$/.test(token))
      throw new AlertError(
        'ALERT_CONFIG',
        `${name}: the token is none of Telegram's, which look like 123456:ABC-DEF`,
      )
    this.#name = name
    this.#http = http
    this.#token = token
  }

  /** @returns the `result` @throws AlertError */
  async call(method: string, parameters: object, signal: AbortSignal, timeoutMs?: number): Promise<unknown> {
    const { status, text } = await this.#http.post(JSON.stringify(parameters), signal, {
      path: `/bot${this.#token}/${method}`,
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
    const answer = answerSchema.safeParse(jsonOf(text)).data
    if (answer?.ok === true) return answer.result
    const code = answer?.error_code ?? status
    const moved = answer?.parameters?.migrate_to_chat_id
    const why =
      moved === undefined ? (answer?.description ?? 'nothing that it should') : `the chat is now ${moved}`
    throw new AlertError(
      'ALERT_REJECTED',
      `${this.#name}: Telegram answered ${code}: ${shorten(why, 200).replaceAll(this.#token, '[redacted]')}`,
      {
        // An answer that is not the API's comes from something in between.
        retryable: answer === undefined || mayRecover(code),
        retryAfterMs: boundedWait(answer?.parameters?.retry_after),
      },
    )
  }

  async close(): Promise<void> {
    await this.#http.close()
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
