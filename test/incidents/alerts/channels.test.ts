import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { alertsConfig } from '../../../incidents/alerts/config.js'
import { openChannel } from '../../../incidents/alerts/open.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { channelConformance } from '../../conformance/alert-channel.js'
import { alertReceiver, ANSWERS } from '../fakes/alert-receiver.js'
import { open, opened, send } from './samples.js'
import { digestOf } from '../../../incidents/alerts/announcement.js'

const TOKEN = '123456:ABC-DEF_secret'
process.env['ALERT_TEST_TOKEN'] = TOKEN
const PATHS = {
  webhook: '/hook',
  slack: '/services/T0/B0/s3cret',
  discord: '/api/webhooks/1/s3cret',
  telegram: '',
}

type Kind = keyof typeof PATHS

const configOf = (kind: Kind, url: string): object => {
  const address = url + PATHS[kind]
  process.env[`ALERT_TEST_URL_${kind}`] = address
  switch (kind) {
    case 'webhook':
      return { type: kind, url: address, secret: 'env:ALERT_TEST_TOKEN' }
    case 'telegram':
      return { type: kind, api_base: url, token: 'env:ALERT_TEST_TOKEN', chats: [-1001, '@ops'] }
    default:
      return { type: kind, url: `env:ALERT_TEST_URL_${kind}` }
  }
}

for (const kind of ['webhook', 'slack', 'discord', 'telegram'] as const)
  channelConformance(kind, async (t: Test) => {
    const receiver = await alertReceiver(t, ANSWERS[kind])
    return {
      receiver,
      secret: kind === 'webhook' || kind === 'telegram' ? TOKEN : 's3cret',
      channel: await open({ ...configOf(kind, receiver.url), timeout_seconds: 0.5 }),
      down: () => open(configOf(kind, 'http://127.0.0.1:9')),
      forbidden: async () => {
        const [config] = alertsConfig.parse([{ name: 'channel', ...configOf(kind, receiver.url) }])
        return openChannel(config!, { outbound: outboundConfig.parse({}), now: Date.now })
      },
    }
  })

const taken = async (t: Test, kind: Kind, more: object = {}, announcement = opened()) => {
  const receiver = await alertReceiver(t, ANSWERS[kind])
  const channel = await open({ ...configOf(kind, receiver.url), ...more }, () => 1_700_000_000_000)
  t.teardown(() => channel.close())
  await send(channel, announcement)
  const [first] = receiver.received
  if (!first) throw new Error('nothing came')
  return first
}

t.test('a webhook has both signatures over a body that holds id and time', async (t) => {
  const { headers, text } = await taken(t, 'webhook')
  const hmac = (signed: string): string => createHmac('sha256', TOKEN).update(signed).digest('hex')
  t.match(JSON.parse(text), { id: 'an-id', event: 'incident.opened', timestamp: '2026-01-02T03:04:05.000Z' })
  t.equal(headers['x-webhook-signature'], `sha256=${hmac(text)}`)
  t.equal(headers['x-webhook-delivery'], 'an-id')
  const [, nonce = ''] =
    /^t=1700000000,n=([0-9a-f]{32}),v1=/.exec(String(headers['x-portcullis-signature'])) ?? []
  t.equal(
    headers['x-portcullis-signature'],
    `t=1700000000,n=${nonce},v1=${hmac(`v1.1700000000.${nonce}.${text}`)}`,
  )
})

t.test('Telegram gets HTML in which nothing of a client is markup', async (t) => {
  const { path, json } = await taken(t, 'telegram')
  t.equal(path, `/bot${TOKEN}/sendMessage`)
  const { text, ...rest } = json as { text: string }
  t.match(rest, { chat_id: '-1001', parse_mode: 'HTML', link_preview_options: { is_disabled: true } })
  t.match(text, /^<b>New incident: Blocked on shop: sql injection \(rule 1\)<\/b>\n/)
  t.strictSame([...new Set([...text.matchAll(/<\/?\w+>/g)].map(([tag]) => tag))].toSorted(), [
    '</b>',
    '</code>',
    '</pre>',
    '<b>',
    '<code>',
    '<pre>',
  ])
  t.match(text, '&lt;/pre&gt;&lt;b&gt;x')
  t.notMatch(text, '\u202e')
})

t.test('a message for Telegram always fits, whatever is in it', async (t) => {
  const held = Array.from({ length: 500 }, (_, at) => ({
    announcement: opened({ id: String(at), title: '<&>"'.repeat(100), severity: 'critical' }),
    count: 2,
  }))
  const { json } = await taken(t, 'telegram', {}, digestOf(held, 0) as never)
  const { text } = json as { text: string }
  t.ok(text.length <= 4096)
  t.match(text, /500 incidents since the last message/)
  t.match(text, /… and \d+ more$/)
})

t.test('Telegram: a chat that shuts the bot out is not tried again, a rate limit is', async (t) => {
  const receiver = await alertReceiver(t, ANSWERS.telegram)
  const channel = await open(configOf('telegram', receiver.url))
  t.teardown(() => channel.close())
  for (const [status, retryable] of [
    [400, false],
    [401, false],
    [403, false],
    [429, true],
    [502, true],
  ] as const) {
    receiver.faults.push({ status, json: { ok: false, error_code: status, description: `no ${TOKEN}` } })
    await t.rejects(send(channel), { code: 'ALERT_REJECTED', retryable, message: /\[redacted\]$/ })
  }
  await t.rejects(send(channel, opened(), '42'), { code: 'ALERT_CONFIG', retryable: false })
})

t.test('Slack gets rich text, which is never interpreted, and an escaped fallback', async (t) => {
  const title = 'a <!channel> & b'
  const { json } = await taken(t, 'slack', {}, opened({ title }))
  const { text, blocks } = json as { text: string; blocks: { type: string; elements: { type: string }[] }[] }
  t.equal(text, 'New incident: a &lt;!channel&gt; &amp; b')
  t.match(blocks, [{ type: 'rich_text' }])
  t.strictSame(
    blocks[0]?.elements.map(({ type }) => type),
    ['rich_text_section', 'rich_text_preformatted'],
  )
})

t.test('Discord mentions nobody and shows a sample as code that it cannot leave', async (t) => {
  const { json } = await taken(t, 'discord')
  const { embeds, allowed_mentions } = json as { embeds: { description: string }[]; allowed_mentions: object }
  t.strictSame(allowed_mentions, { parse: [] })
  const [, sample = '', rest] = embeds[0]?.description.split('```') ?? []
  t.match(sample, '@everyone')
  t.equal(rest, '', 'the fence is closed once')
})

t.test('a template is the operator’s markup with escaped values', async (t) => {
  const template = '<b>{{severity}}</b> {{title}} {{sample}}'
  const title = '{{id}} <i>'
  const { json } = await taken(t, 'telegram', { template }, opened({ title }))
  const { text } = json as { text: string }
  t.ok(text.startsWith('<b>high</b> {{id}} &lt;i&gt; &lt;/pre&gt;'), text)
  t.match((await taken(t, 'slack', { template: '*{{title}}*' })).json, {
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: '*Blocked on shop: sql injection (rule 1)*' } },
    ],
  })
  t.match((await taken(t, 'discord', { template: '{{title}}' }, opened({ title: '@here *' }))).json, {
    content: String.raw`\@here \*`,
  })
  t.throws(
    () => alertsConfig.parse([{ name: 'a', ...configOf('slack', 'http://x'), template: '{{no}}' }]),
    /no/,
  )
})

t.test('the configuration refuses what cannot work', async (t) => {
  const refused = (config: object): void =>
    void t.throws(() => alertsConfig.parse([{ name: 'a', ...config }]))
  refused({ type: 'slack', url: 'https://hooks.slack.com/services/x' })
  refused({ type: 'telegram', token: 'env:T', chats: [] })
  refused({ type: 'email', smtp_url: 'smtp://u:p@h', from: 'a@b.example', to: ['c@d.example'] })
  refused({
    type: 'email',
    smtp_url: 'smtp://h',
    from: 'a@b.example\r\nBcc: x@y.example',
    to: ['c@d.example'],
  })
  refused({ ...configOf('webhook', 'http://x'), quiet_hours: { from: '22:00', to: '22:00' } })
  refused({ ...configOf('webhook', 'http://x'), quiet_hours: { from: '22:00', to: '07:00', zone: 'Mars' } })
  process.env['ALERT_TEST_BAD'] = 'no token/../x'
  await t.rejects(open({ type: 'telegram', token: 'env:ALERT_TEST_BAD', chats: [1] }), {
    code: 'ALERT_CONFIG',
  })
  await t.rejects(open({ type: 'slack', url: 'env:ALERT_TEST_BAD' }), { code: 'ALERT_CONFIG' })
})
