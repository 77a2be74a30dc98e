import { tell } from './announcement.js'
import type { AlertMessage, Channel } from './channel.js'
import { AlertError } from './errors.js'
import { mayRecover, type AlertHttp } from './http.js'
import { fillTemplate } from './template.js'

export interface SlackOptions {
  readonly name: string
  readonly http: AlertHttp
  readonly template: string | undefined
}

/**
 * Text in Slack's mrkdwn. Escaping these three keeps `<!channel>`, mentions and links from being made; the rest can only change
 * how it looks.
 */
export const escapeMrkdwn = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Characters of a section, a limit of Slack. */
const MAX_SECTION = 3000

interface TextElement {
  readonly type: 'text'
  readonly text: string
  readonly style?: { readonly bold: true }
}

const plain = (text: string): TextElement => ({ type: 'text', text })
const bold = (text: string): TextElement => ({ type: 'text', text, style: { bold: true } })

/** Announces in a Slack channel by an incoming webhook. Rich text is data, not markup: nothing in it is interpreted. */
export class SlackChannel implements Channel {
  readonly recipients = ['']
  readonly #options: SlackOptions

  constructor(options: SlackOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  async send({ announcement }: AlertMessage, signal: AbortSignal): Promise<void> {
    const { name, http, template } = this.#options
    const { headline, facts, samples, items, more } = tell(announcement)
    const own = fillTemplate(template, announcement, escapeMrkdwn, MAX_SECTION)
    const blocks =
      own === undefined
        ? [
            {
              type: 'rich_text',
              elements: [
                { type: 'rich_text_section', elements: [bold(`${headline}\n`), ...facts.flatMap(line)] },
                ...(samples.length > 0
                  ? [{ type: 'rich_text_preformatted', elements: [plain(samples.join('\n'))] }]
                  : []),
                ...(items.length > 0
                  ? [
                      {
                        type: 'rich_text_list',
                        style: 'bullet',
                        elements: [...items, ...(more === undefined ? [] : [more])].map((item) => ({
                          type: 'rich_text_section',
                          elements: [plain(item)],
                        })),
                      },
                    ]
                  : []),
              ],
            },
          ]
        : [{ type: 'section', text: { type: 'mrkdwn', text: own } }]
    const body = JSON.stringify({
      // For notifications and readers that show no blocks.
      text: escapeMrkdwn(headline),
      blocks,
      unfurl_links: false,
      unfurl_media: false,
    })
    const { status, retryAfterMs } = await http.post(body, signal)
    if (status < 200 || status > 299)
      throw new AlertError('ALERT_REJECTED', `${name}: Slack answered ${status}`, {
        retryable: mayRecover(status),
        retryAfterMs: status === 429 ? retryAfterMs : undefined,
      })
  }

  async close(): Promise<void> {
    await this.#options.http.close()
  }
}

const line = ([name, value]: readonly [string, string]): readonly TextElement[] => [
  plain(`${name}: `),
  plain(`${value}\n`),
]
