import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { configSchema } from '../../../cli/config.js'
import { openChannel } from '../../../incidents/alerts/open.js'
import { alertReceiver, ANSWERS } from '../fakes/alert-receiver.js'
import { mailServer } from '../fakes/mail-server.js'
import { local, send } from './samples.js'

/** The channel on a page, which must be a whole and valid configuration, with the address of a fake. */
const channelOn = async (page: string, more: object) => {
  const text = await readFile(new URL(`../../../docs/incidents/${page}`, import.meta.url), 'utf8')
  const [, yaml = ''] = /```yaml\n([^]*?)```/.exec(text) ?? []
  const config = parse(yaml) as { alerts: object[] }
  configSchema.parse(config)
  const [alert] = configSchema.parse({ alerts: [{ ...config.alerts[0], ...more }] }).alerts
  return openChannel(alert!, { outbound: local, now: Date.now })
}

for (const kind of ['webhook', 'telegram', 'slack', 'discord'] as const)
  t.test(`ALERT-${kind.toUpperCase()}.md: its configuration announces`, async (t) => {
    const receiver = await alertReceiver(t, ANSWERS[kind])
    process.env['DESK_ALERT_SECRET'] = 'a secret'
    process.env['TELEGRAM_TOKEN'] = '123456:ABC'
    process.env['SLACK_WEBHOOK_URL'] = process.env['DISCORD_WEBHOOK_URL'] = `${receiver.url}/hook`
    const more = {
      webhook: { url: receiver.url },
      telegram: { api_base: receiver.url },
      slack: {},
      discord: {},
    }
    const channel = await channelOn(`ALERT-${kind.toUpperCase()}.md`, more[kind])
    t.teardown(() => channel.close())
    await send(channel)
    t.equal(receiver.received.length, 1)
  })

t.test('ALERT-EMAIL.md: its configuration announces', async (t) => {
  const { mails, port } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] })
  process.env['SMTP_URL'] = `smtp://127.0.0.1:${port}`
  await send(await channelOn('ALERT-EMAIL.md', {}))
  t.match(mails, [{ from: 'portcullis@example.org', to: ['ops@example.org'] }])
})
