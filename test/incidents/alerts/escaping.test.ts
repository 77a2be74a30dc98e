import fc from 'fast-check'
import t from 'tap'
import { digestOf, tell } from '../../../incidents/alerts/announcement.js'
import { escapeDiscord } from '../../../incidents/alerts/discord.js'
import { escapeHtml } from '../../../incidents/alerts/html.js'
import { escapeMrkdwn } from '../../../incidents/alerts/slack.js'
import { telegramText } from '../../../incidents/alerts/telegram.js'
import { growth } from '../../proofs/random.js'
import { opened } from './samples.js'

const numRuns = Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 500)

/** Text with everything that means something somewhere. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        ...Array.from('<>&"\'`*_~|\\[]()@#:-!{}\r\n\t\0\u202e\u200b'),
        '<!channel>',
        '```',
        '{{id}}',
        'a',
      ),
    )
    .map((parts) => parts.join('')),
)

const entity = /&(?:amp|lt|gt|quot|#39);/g
const decode = (text: string): string =>
  text.replace(
    entity,
    (name) => ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" })[name] ?? '',
  )

t.test('HTML: what is escaped holds no markup and reads the same', async () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const escaped = escapeHtml(text)
      return !/[<>"']/.test(escaped) && !/&/.test(escaped.replace(entity, '')) && decode(escaped) === text
    }),
    { numRuns },
  )
})

t.test('mrkdwn: what is escaped holds no mention and no link, and reads the same', async () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const escaped = escapeMrkdwn(text)
      return !/[<>]/.test(escaped) && !/&/.test(escaped.replace(entity, '')) && decode(escaped) === text
    }),
    { numRuns },
  )
})

t.test('Discord: every character that could be a mark is one behind a backslash', async () => {
  const marks = '\\`*_~|>#<@:()[]-'
  fc.assert(
    fc.property(hostile, (text) => {
      const escaped = escapeDiscord(text)
      let plain = ''
      for (let at = 0; at < escaped.length; at++) {
        const sign = escaped[at] ?? ''
        if (sign !== '\\') {
          if (marks.includes(sign)) return false
          plain += sign
        } else if (marks.includes(escaped[++at] ?? '')) plain += escaped[at]
        else return false
      }
      return plain === text
    }),
    { numRuns },
  )
})

const announced = (text: string) =>
  opened({ title: text, evidence: [{ event: 'e', time: 0, summary: text, subjects: [] }] })

t.test('Telegram: a message is balanced HTML of our own tags and fits, whatever is in it', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        hostile.map((text) => text.repeat(300)),
      ),
      (text) => {
        const message = telegramText(announced(text))
        const open: string[] = []
        for (const [, end, tag = ''] of message.matchAll(/<(\/?)(\w*)>?/g)) {
          if (!['b', 'code', 'pre'].includes(tag)) return false
          if (end === '') open.push(tag)
          else if (open.pop() !== tag) return false
        }
        return open.length === 0 && message.length <= 4096
      },
    ),
    { numRuns },
  )
})

t.test('what is told has one line each, without what would steer a terminal or a reader', async () => {
  fc.assert(
    fc.property(hostile, hostile, (title, word) => {
      const single = announced(title)
      const question = { id: 'q', action: word, by: word, until: single.timestamp }
      const incident = {
        ...single.incident,
        assignee: word,
        issues: [{ tracker: 't', id: '1', key: word, url: '' }],
      }
      const digest = digestOf([{ announcement: { ...single, incident }, count: 2 }], 0)
      return [{ ...single, incident, question }, digest].every((announcement) => {
        const { headline, facts, samples, items } = tell(announcement)
        const lines = [headline, ...facts.map(([, value]) => value), ...samples, ...items]
        // oxlint-disable-next-line no-control-regex -- these are what must not be there
        return !lines.some((line) => /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e]/.test(line))
      })
    }),
    { numRuns },
  )
})

t.test('escaping is linear', async (t) => {
  for (const [name, escape] of Object.entries({ escapeHtml, escapeMrkdwn, escapeDiscord }))
    for (const piece of ['<', '&amp;', '\\', '`', 'a'])
      t.ok(
        growth((n) => {
          const text = piece.repeat(n)
          return () => escape(text)
        }, 10_000) < 12,
        `${name} ${piece}`,
      )
  for (const piece of ['\r\n', '\u202e', ' ', '<'])
    t.ok(
      growth((n) => {
        const announcement = announced(piece.repeat(n))
        return () => telegramText(announcement)
      }, 10_000) < 12,
      JSON.stringify(piece),
    )
})
