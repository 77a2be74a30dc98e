import { randomBytes } from 'node:crypto'
import { portcullisSignature, webhookSignature } from '../../runtime/webhook-signature.js'
import type { AlertMessage, Channel } from './channel.js'
import { AlertError } from './errors.js'
import type { AlertHttp } from './http.js'

export interface WebhookOptions {
  readonly name: string
  readonly http: AlertHttp
  readonly secret: string
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/**
 * Announces as signed JSON. `X-Webhook-Signature` is over the body alone, as receivers of OpenPR's webhooks check it; the id and
 * the time are in the body, so that it covers them. `X-Portcullis-Signature` also binds each attempt to its own time and nonce.
 */
export class WebhookChannel implements Channel {
  readonly recipients = ['']
  readonly #options: WebhookOptions

  constructor(options: WebhookOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  async send({ id, announcement }: AlertMessage, signal: AbortSignal): Promise<void> {
    const { name, http, secret, now } = this.#options
    const { event, ...rest } = announcement
    const body = JSON.stringify({ id, event, ...rest })
    const time = Math.floor(now() / 1000)
    const { status, retryAfterMs } = await http.post(body, signal, {
      headers: {
        'user-agent': 'Portcullis-Webhook/1.0',
        'x-webhook-signature': webhookSignature(secret, body),
        'x-portcullis-signature': portcullisSignature(secret, body, time, randomBytes(16).toString('hex')),
        'x-webhook-event': event,
        'x-webhook-delivery': id,
      },
    })
    if (status < 200 || status > 299)
      throw new AlertError('ALERT_REJECTED', `${name} answered ${status}`, {
        // A receiver's mistakes get mended; one that says it is gone does not come back.
        retryable: status !== 410,
        retryAfterMs: status === 429 || status === 503 ? retryAfterMs : undefined,
      })
  }

  async close(): Promise<void> {
    await this.#options.http.close()
  }
}
