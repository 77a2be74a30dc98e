import { z } from 'zod'
import { secretReference } from '../../runtime/secret.js'
import { httpUrl } from '../../runtime/url.js'
import { messageTemplate } from './template.js'

const severity = z.enum(['info', 'low', 'medium', 'high', 'critical'])

const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/)
  .describe('Names the channel in logs, metrics and ledger entries.')

const filter = z
  .strictObject({
    min_severity: severity.default('medium').describe('Less severe incidents are not announced here.'),
    events: z
      .array(z.enum(['opened', 'raised', 'reopened', 'resolved', 'approval']))
      .min(1)
      .optional()
      .describe(
        'Which changes are announced; approval: questions whether an answer may be given, whatever the severity. Default all.',
      ),
    sites: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Sites of the gateway. Default any; incidents without a site are then announced too.'),
    kinds: z
      .array(z.enum(['security.verdict', 'malformed_request', 'scan.verdict', 'operational']))
      .min(1)
      .optional()
      .describe('What was detected. Default any.'),
    subjects: z
      .array(z.enum(['client', 'url', 'rule', 'file']))
      .min(1)
      .optional()
      .describe(
        'What the evidence must name, one of these: file for what the scanner found. Default anything.',
      ),
  })
  .prefault({})
  .describe('Which incidents are announced here.')

const zone = z
  .string()
  .refine((value) => isZone(value), {
    error: (issue) => `${JSON.stringify(issue.input)} is no time zone such as Europe/Berlin`,
  })
  .default('UTC')
  .describe('Time zone by its IANA name. Default UTC.')

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM, from 00:00 to 23:59')

const except = severity
  .default('critical')
  .describe('What is this severe or more is announced at once. Default critical.')

const pacing = {
  throttle: z
    .strictObject({
      messages: z.int().min(1).max(10_000).describe('So many announcements are sent within the window.'),
      seconds: z.int().min(1).max(86_400).describe('Length of the window.'),
    })
    .optional()
    .describe(
      'Further announcements are held back until the window ends, then told together. Default: no limit.',
    ),
  digest: z
    .strictObject({
      minutes: z
        .int()
        .min(1)
        .max(10_080)
        .describe('What happened is told together, so long after the first.'),
      except,
    })
    .optional()
    .describe('Fewer and longer messages. Default: each incident has its own.'),
  quiet_hours: z
    .strictObject({ from: timeOfDay, to: timeOfDay, zone, except })
    .refine(({ from, to }) => from !== to, 'from and to are the same time')
    .optional()
    .describe('In this time of each day announcements are held back, then told together. Default: none.'),
}

const shared = {
  name,
  filter,
  ...pacing,
  timeout_seconds: z
    .number()
    .positive()
    .max(60)
    .default(10)
    .describe('For one attempt, connecting included.'),
  max_attempts: z
    .int()
    .min(1)
    .max(100)
    .default(12)
    .describe(
      'Attempts with growing pauses (1 s doubling to 1 h); then the alert is kept as failed, logged and recorded.',
    ),
}

const webhook = z.strictObject({
  type: z.literal('webhook'),
  ...shared,
  url: httpUrl.describe(
    'Receives a POST for each announcement. Must resolve to a public address or one in outbound.allow.',
  ),
  secret: secretReference.describe(
    'Key of the HMAC-SHA256 in X-Webhook-Signature and X-Portcullis-Signature: env:NAME, file:PATH or exec:[…].',
  ),
})

const chat = z
  .union([z.int(), z.string().regex(/^(-?\d{1,20}|@\w{1,64})$/)])
  .transform((value) => String(value))

const personId = z.int().positive()

const telegram = z.strictObject({
  type: z.literal('telegram'),
  ...shared,
  api_base: httpUrl.default('https://api.telegram.org').describe('Where the Bot API is.'),
  token: secretReference.describe('The bot’s token: env:NAME, file:PATH or exec:[…].'),
  chats: z.array(chat).min(1).max(100).describe('Ids of chats, or @names of public channels.'),
  approvers: z
    .array(
      z.union([
        personId.transform((id) => ({ id, name: undefined })),
        z.strictObject({
          id: personId,
          name: z
            .string()
            .regex(/^[\w.@-]{1,64}$/)
            .describe(
              'The name of the same person in `incidents.tokens`: then nobody approves what he asked for.',
            ),
        }),
      ]),
    )
    .max(100)
    .default([])
    .describe(
      'Who may decide by buttons, and ask for /status: ids of people, in a chat of `chats` that is given by its number. The bot is ' +
        'then polled for what people do, by us alone. Default nobody.',
    ),
  template: messageTemplate.optional(),
})

const address = z.email().max(254)

const email = z.strictObject({
  type: z.literal('email'),
  ...shared,
  smtp_url: z
    .union([
      z
        .string()
        .max(500)
        .regex(
          /^smtps?:\/\/[^@\s/]+\/?$/,
          'must be smtp://HOST:PORT or smtps://HOST:PORT; one with a password is named by env:NAME, file:PATH or exec:[…]',
        ),
      secretReference,
    ])
    .describe(
      'The mail server: smtps:// for TLS from the start, smtp:// for STARTTLS. With a user and a password ' +
        '(smtps://USER:PASSWORD@HOST, percent-encoded) it is given as env:NAME, file:PATH or exec:[…].',
    ),
  starttls: z
    .enum(['required', 'offered'])
    .optional()
    .describe(
      'With smtp://: required sends nothing without TLS; offered goes without when the server has none, but never with a ' +
        'password to another machine. Default required, on this machine offered.',
    ),
  ca_file: z.string().min(1).optional().describe('Certificates (PEM) to trust instead of the system’s.'),
  from: z
    .union([address, z.strictObject({ name: z.string().min(1).max(100), address })])
    .describe('The sender: an address, or name and address.'),
  to: z.array(address).min(1).max(100).describe('Each gets a mail of its own.'),
  template: messageTemplate.optional(),
})

const webhookUrlOf = (whose: string) =>
  secretReference.describe(`${whose} webhook URL, which is a secret: env:NAME, file:PATH or exec:[…].`)

const slack = z.strictObject({
  type: z.literal('slack'),
  ...shared,
  url: webhookUrlOf('Slack’s incoming'),
  template: messageTemplate.optional(),
})

const discord = z.strictObject({
  type: z.literal('discord'),
  ...shared,
  url: webhookUrlOf('Discord’s'),
  template: messageTemplate.optional(),
})

const alert = z.discriminatedUnion('type', [webhook, telegram, email, slack, discord])

/** A channel as it is configured. */
export type AlertConfig = z.output<typeof alert>

/** `alerts:` in the configuration. */
export const alertsConfig = z
  .array(alert)
  .max(100)
  .default([])
  .refine(
    (alerts) => new Set(alerts.map((one) => one.name)).size === alerts.length,
    'two alerts have the same name',
  )
  .refine((alerts) => {
    const polled = alerts.flatMap((one) =>
      one.type === 'telegram' && one.approvers.length > 0 ? [one.token] : [],
    )
    return new Set(polled).size === polled.length
  }, 'two alerts with approvers have the same bot, but only one can poll it')
  .describe('Channels on which incidents are announced. Default none.')

function isZone(value: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: value })
    return true
  } catch {
    return false
  }
}
