import type { Command } from 'commander'
import { openChannel } from '../../incidents/alerts/open.js'
import { testAnnouncement } from '../../incidents/alerts/announcement.js'
import { uuidv7 } from '../../runtime/uuid.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { withIncidents } from '../incident-access.js'
import { printable } from '../printable.js'

interface DeadAlert {
  readonly id: string
  readonly incident: string
  readonly target: string
  readonly attempt: number
  readonly last_error?: string
}

interface DeadAlerts {
  readonly work: readonly DeadAlert[]
  readonly next?: string
}

/** `portcullis alerts`: the channels on which incidents are announced, and what could not be delivered. */
export const registerAlerts = (program: Command, context: CliContext): void => {
  const shared = (command: Command): Command =>
    command.option('--config <file>', 'configuration file (YAML)').option('--data <dir>', 'data folder')
  const alerts = shared(program.command('alerts')).description(
    'the channels on which incidents are announced, and what could not be delivered',
  )
  const command = (name: string, description: string): Command =>
    shared(alerts.command(name)).description(description)
  const write = (text: string): void => void context.stdout.write(`${text}\n`)

  command('list', 'the configured channels')
    .option('--json', 'one JSON object per line')
    .action((_own: Flags, self: Command) => {
      const flags = self.optsWithGlobals<Flags>()
      for (const { name, type, filter } of context.loadConfig(flags).config.alerts)
        write(
          flags['json'] === true
            ? JSON.stringify({ name, type, filter })
            : `${name}  ${type}  ${filter.min_severity} and above`,
        )
    })

  command('test', 'send a test message to every recipient of a channel, now')
    .argument('<name>')
    .action(async (name: string, _own: Flags, self: Command) => {
      const { config } = context.loadConfig(self.optsWithGlobals<Flags>())
      const found = config.alerts.find((alert) => alert.name === name)
      if (!found) throw new UsageError(`there is no alert channel ${name} in the configuration`)
      const channel = await openChannel(found, { outbound: config.outbound, now: Date.now })
      try {
        const now = Date.now()
        // Each attempt has its own time limit.
        const { signal } = new AbortController()
        for (const recipient of channel.recipients)
          await channel.send({ id: uuidv7(now), recipient, announcement: testAnnouncement(now) }, signal)
      } finally {
        await channel.close()
      }
      write(`${name} took the test message`)
    })

  const failed = async (flags: Flags): Promise<readonly DeadAlert[]> =>
    withIncidents(context, flags, async (ask) => {
      const alerts: DeadAlert[] = []
      const query = new URLSearchParams({ state: 'dead', kind: 'alert' })
      for (let next: string | undefined = ''; next !== undefined;) {
        if (next !== '') query.set('after', next)
        const page = (await ask('GET', `/v1/work?${query.toString()}`)) as DeadAlerts
        alerts.push(...page.work)
        next = page.next
      }
      return alerts
    })

  command('failed', 'alerts that were given up, oldest first')
    .option('--json', 'one JSON object per line')
    .action(async (_own: Flags, self: Command) => {
      const flags = self.optsWithGlobals<Flags>()
      for (const alert of await failed(flags)) {
        const { id, incident, target, attempt, last_error = '' } = alert
        write(
          flags['json'] === true
            ? JSON.stringify({ id, incident, channel: target, attempts: attempt, error: last_error })
            : `${id}  ${target}  ${attempt} attempts  ${printable(last_error)}`,
        )
      }
    })

  command('retry', 'try alerts again that were given up; the role sends them when it runs')
    .argument('[id...]')
    .option('--all', 'all that `alerts failed` shows')
    .action(async (ids: string[], _own: Flags, self: Command) => {
      const flags = self.optsWithGlobals<Flags>()
      const all = flags['all'] === true
      if (all === ids.length > 0) throw new UsageError('name the ids of failed alerts, or give --all')
      const wanted = all ? (await failed(flags)).map(({ id }) => id) : ids
      await withIncidents(context, flags, async (ask) => {
        for (const id of wanted) {
          await ask('POST', `/v1/work/${encodeURIComponent(id)}/retry`)
          write(`${printable(id)} waits for its turn`)
        }
      })
    })
}
