import type { Severity } from '../../runtime/events.js'
import { tell } from './announcement.js'
import type { AlertMessage, Channel } from './channel.js'
import { AlertError } from './errors.js'
import { boundedWait, mayRecover, type AlertHttp } from './http.js'
import { fitting } from './fitting.js'
import { fillTemplate } from './template.js'

export interface DiscordOptions {
  readonly name: string
  readonly http: AlertHttp
  readonly template: string | undefined
}

const COLOURS: Readonly<Record<Severity, number>> = {
  info: 0x8a8f98,
  low: 0x3b82f6,
  medium: 0xf2c744,
  high: 0xe8590c,
  critical: 0xc92a2a,
}

/** Limits of Discord, in characters. */
const MAX_TITLE = 256
const MAX_DESCRIPTION = 4096
const MAX_CONTENT = 2000

/** Text in Discord's Markdown, in which nothing is a mark, a mention or a link any more. */
export const escapeDiscord = (text: string): string => text.replace(/[\\`*_~|>#<@:()[\]-]/g, String.raw`\$&`)

/** Announces in a Discord channel by a webhook. */
export class DiscordChannel implements Channel {
  readonly recipients = ['']
  readonly #options: DiscordOptions

  constructor(options: DiscordOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  async send({ announcement }: AlertMessage, signal: AbortSignal): Promise<void> {
    const { name, http, template } = this.#options
    const { severity, headline, facts, samples, items, more } = tell(announcement)
    const own = fillTemplate(template, announcement, escapeDiscord, MAX_CONTENT)
    const parts = [
      ...facts.map(([fact, value]) => `**${fact}**: ${escapeDiscord(value)}`),
      // Inside a block of code only its fence means anything.
      ...(samples.length > 0 ? [`\`\`\`\n${samples.join('\n').replaceAll('`', 'ˋ')}\n\`\`\``] : []),
      ...items.map((item) => `• ${escapeDiscord(item)}`),
      ...(more === undefined ? [] : [more]),
    ]
    const body = JSON.stringify({
      username: 'Portcullis',
      // Nobody is mentioned, whatever a text looks like.
      allowed_mentions: { parse: [] },
      ...(own === undefined
        ? {
            embeds: [
              {
                title: escapeDiscord(headline).slice(0, MAX_TITLE),
                description: fitting(parts, MAX_DESCRIPTION),
                timestamp: announcement.timestamp,
                ...(severity && { color: COLOURS[severity] }),
              },
            ],
          }
        : { content: own }),
    })
    const { status, text, retryAfterMs } = await http.post(body, signal)
    if (status < 200 || status > 299)
      throw new AlertError('ALERT_REJECTED', `${name}: Discord answered ${status}`, {
        retryable: mayRecover(status),
        retryAfterMs: status === 429 ? (waitOf(text) ?? retryAfterMs) : undefined,
      })
  }

  async close(): Promise<void> {
    await this.#options.http.close()
  }
}

/** Seconds, with a fraction, that the body of a 429 names. */
function waitOf(text: string): number | undefined {
  try {
    return boundedWait((JSON.parse(text) as { readonly retry_after?: unknown } | null)?.retry_after)
  } catch {
    return undefined
  }
}
