import type { Agent } from 'undici'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, type OutboundConfig } from '../../runtime/outbound.js'
import { webhookSignature } from '../../runtime/webhook-signature.js'
import type { WebhookAlert } from '../config.js'
import { IncidentError } from '../errors.js'

/** One announcement: its id is in the body too, so that a receiver knows a repeat. */
export interface WebhookMessage {
  readonly id: string
  readonly event: string
  /** Exact bytes, the same at each attempt. */
  readonly body: string
}

/**
 * Sends one announcement. Only a 2xx answer counts as received; a redirect is not followed, since it would lead where the
 * operator did not point.
 * @throws IncidentError `ALERT_REJECTED` for an answer that is no success, `ALERT_UNREACHABLE` when none came
 */
export async function sendWebhook(
  message: WebhookMessage,
  alert: WebhookAlert,
  secret: string,
  outbound: OutboundConfig,
  agent: Agent,
  stop: AbortSignal,
): Promise<void> {
  const url = checkOutboundUrl(alert.url, outbound)
  const timeout = alert.timeout_seconds * 1000
  let status: number
  try {
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Portcullis-Webhook/1.0',
        'x-webhook-signature': webhookSignature(secret, message.body),
        'x-webhook-event': message.event,
        'x-webhook-delivery': message.id,
      },
      body: message.body,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeout)]),
    })
    status = response.statusCode
    await response.body.dump({ limit: 64 * 1024 })
  } catch (cause) {
    throw new IncidentError(
      'ALERT_UNREACHABLE',
      `${alert.name} did not answer: ${codeOf(cause) ?? messageOf(cause)}`,
      { cause },
    )
  }
  if (status < 200 || status > 299)
    throw new IncidentError('ALERT_REJECTED', `${alert.name} answered ${status}`)
}
