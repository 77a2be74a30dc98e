import { createHmac } from 'node:crypto'

const hmac = (secret: string, text: string): string => createHmac('sha256', secret).update(text).digest('hex')

/** `X-Webhook-Signature`: `sha256=` and the hexadecimal HMAC-SHA256 of the raw body, as receivers of signed webhooks expect it. */
export const webhookSignature = (secret: string, body: string): string => `sha256=${hmac(secret, body)}`

/**
 * `X-Portcullis-Signature`: binds the body to a time and a nonce, so that a receiver can refuse what is old or came before.
 *
 * @param time seconds since the Unix epoch
 */
export const portcullisSignature = (secret: string, body: string, time: number, nonce: string): string =>
  `t=${time},n=${nonce},v1=${hmac(secret, `v1.${time}.${nonce}.${body}`)}`
