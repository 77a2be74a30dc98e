import { tell } from './announcement.js'
import type { Announcement } from './announcement.js'
import type { AlertMessage, Channel } from './channel.js'
import { AlertError } from './errors.js'
import { fitting } from './fitting.js'
import { escapeHtml } from './html.js'
import type { TelegramApi } from './telegram-api.js'
import { fillTemplate } from './template.js'

/** Characters of a message; those of its markup are counted here too, which is on the safe side. */
const MAX_TEXT = 4096

export interface TelegramOptions {
  readonly name: string
  readonly api: TelegramApi
  readonly chats: readonly string[]
  readonly template: string | undefined
}

/** Announces in chats of Telegram, by a bot. */
export class TelegramChannel implements Channel {
  readonly #options: TelegramOptions

  constructor(options: TelegramOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  /** For what people do with the bot. */
  get api(): TelegramApi {
    return this.#options.api
  }

  get recipients(): readonly string[] {
    return this.#options.chats
  }

  async send({ recipient, announcement, question }: AlertMessage, signal: AbortSignal): Promise<void> {
    const { api, chats, name, template } = this.#options
    // Kept work outlives a configuration.
    if (!chats.includes(recipient))
      throw new AlertError('ALERT_CONFIG', `${name}: a chat of this alert is no longer configured`, {
        retryable: false,
      })
    await api.call(
      'sendMessage',
      {
        chat_id: recipient,
        text: telegramText(announcement, template),
        parse_mode: 'HTML',
        link_preview_options: { is_disabled: true },
        ...(question !== undefined && {
          reply_markup: {
            inline_keyboard: [
              [
                { text: 'Approve', callback_data: `y${question}` },
                { text: 'Deny', callback_data: `n${question}` },
              ],
            ],
          },
        }),
      },
      signal,
    )
  }

  async close(): Promise<void> {
    await this.#options.api.close()
  }
}

/** An announcement in Telegram's HTML: whatever is not ours is escaped, so that it cannot be markup, a link or a mention. */
export function telegramText(announcement: Announcement, template?: string): string {
  const own = fillTemplate(template, announcement, escapeHtml, MAX_TEXT)
  if (own !== undefined) return own
  const { headline, facts, samples, items, more } = tell(announcement)
  return fitting(
    [
      `<b>${escapeHtml(headline)}</b>`,
      ...facts.map(([name, value]) => `${escapeHtml(name)}: <code>${escapeHtml(value)}</code>`),
      ...samples.map((sample) => `<pre>${escapeHtml(sample)}</pre>`),
      ...items.map((item) => `• <code>${escapeHtml(item)}</code>`),
      ...(more === undefined ? [] : [escapeHtml(more)]),
    ],
    MAX_TEXT,
  )
}
