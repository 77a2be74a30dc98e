import type { OutboundConfig } from '../../runtime/outbound.js'
import { readSecret } from '../../runtime/secret.js'
import type { Channel } from './channel.js'
import type { AlertConfig } from './config.js'
import { DiscordChannel } from './discord.js'
import { EmailChannel } from './email.js'
import { AlertError } from './errors.js'
import { AlertHttp } from './http.js'
import { SlackChannel } from './slack.js'
import { TelegramApi } from './telegram-api.js'
import { TelegramChannel } from './telegram.js'
import { WebhookChannel } from './webhook.js'

export interface OpenDeps {
  readonly outbound: OutboundConfig
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/**
 * Opens a configured channel; nothing is sent yet.
 *
 * @throws RuntimeError `SECRET_MISSING` and the like, AlertError `ALERT_CONFIG` for a secret that cannot be what it should
 */
export async function openChannel(config: AlertConfig, { outbound, now }: OpenDeps): Promise<Channel> {
  const { name } = config
  const http = (url: string): AlertHttp =>
    new AlertHttp({ name, url, timeoutMs: config.timeout_seconds * 1000, outbound })
  switch (config.type) {
    case 'webhook':
      return new WebhookChannel({
        name,
        http: http(config.url),
        secret: await readSecret(config.secret),
        now,
      })
    case 'telegram': {
      const { chats, template } = config
      const api = new TelegramApi(name, http(config.api_base), await readSecret(config.token))
      return new TelegramChannel({ name, api, chats, template })
    }
    case 'email': {
      const { smtp_url } = config
      return EmailChannel.open(
        config,
        /^smtps?:\/\//.test(smtp_url) ? smtp_url : await readSecret(smtp_url),
        outbound,
      )
    }
    case 'slack':
    case 'discord': {
      const options = { name, http: http(await secretUrl(name, config.url)), template: config.template }
      return config.type === 'slack' ? new SlackChannel(options) : new DiscordChannel(options)
    }
  }
}

async function secretUrl(name: string, reference: string): Promise<string> {
  const url = await readSecret(reference)
  if (!URL.canParse(url) || !/^https?:\/\//.test(url))
    throw new AlertError('ALERT_CONFIG', `${name}: the secret behind url is no http or https URL`)
  return url
}
