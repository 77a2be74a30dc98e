import { join } from 'node:path'
import type { Command } from 'commander'
import { startIncidents } from '../../incidents/role.js'
import { openActionSigner } from '../../ledger/client/action-signer.js'
import { rolePaths } from '../../ledger/client/client.js'
import { openTopic } from '../../runtime/topics.js'
import type { CliContext, Flags } from '../context.js'
import { withIncidents } from '../incident-access.js'
import { printable } from '../printable.js'
import { openRoleStores } from '../role-stores.js'
import { registerIncidentRecord } from './incident-record.js'
import type { Sessions } from './incident-record.js'

interface Listed {
  readonly id: string
  readonly state: string
  readonly severity: string
  readonly title: string
  readonly count: number
  readonly last_seen: number
  readonly assignee?: string
}

interface Page {
  readonly incidents: readonly Listed[]
  readonly next?: string
}

/** `portcullis incidents`, the role, and its commands. */
export const registerIncidents = (program: Command, context: CliContext): void => {
  const shared = (command: Command): Command =>
    command.option('--config <file>', 'configuration file (YAML)').option('--data <dir>', 'data folder')

  const incidents = shared(program.command('incidents'))
    .description(
      'group detections into incidents and see to what follows; without a subcommand, run the role',
    )
    .action(async (flags: Flags) => {
      const { config } = context.loadConfig(flags)
      await context.runRole('incidents', config, async (log) => {
        const stores = await openRoleStores(config, 'incidents', log)
        const { keyFile } = rolePaths(stores.data, 'incidents')
        try {
          const role = await startIncidents({
            recorder: stores.ledger,
            settings: config,
            folder: join(stores.data, 'incidents'),
            events: stores.events,
            ledger: openTopic(stores.outbox, 'ledger'),
            commands: {
              gateway: openTopic(stores.outbox, 'commands.gateway'),
              scanner: openTopic(stores.outbox, 'commands.scanner'),
            },
            signer: await openActionSigner('incidents', keyFile),
            now: Date.now,
            log,
          })
          return {
            info: { ...(role.listen !== undefined && { listen: role.listen }) },
            checks: role.checks,
            metrics: async () => role.metrics(),
            async stop() {
              await role.close()
              await stores.close()
            },
          }
        } catch (error) {
          await stores.close()
          throw error
        }
      })
    })

  const command = (usage: string, description: string): Command =>
    shared(incidents.command(usage)).description(description)

  const about = (id: string, rest = ''): string => `/v1/incidents/${encodeURIComponent(id)}${rest}`
  const show = (value: unknown): void => void context.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

  command('list', 'incidents, newest first')
    .option('--state <state>', 'only these: open, triaged, in_progress, resolved or false_positive')
    .option('--severity <severity>', 'only this or above: info, low, medium, high or critical')
    .option('--json', 'one JSON object per line')
    .action(async (_own: Flags, self: Command) => {
      const flags = self.optsWithGlobals<Flags>()
      await withIncidents(context, flags, async (ask) => {
        const query = new URLSearchParams({ limit: '500' })
        for (const name of ['state', 'severity'])
          if (typeof flags[name] === 'string') query.set(name, flags[name])
        for (let next: string | undefined = ''; next !== undefined;) {
          if (next !== '') query.set('before', next)
          const page = (await ask('GET', `/v1/incidents?${query.toString()}`)) as Page
          for (const incident of page.incidents)
            context.stdout.write(`${flags['json'] === true ? JSON.stringify(incident) : line(incident)}\n`)
          next = page.next
        }
      })
    })

  command('show', 'one incident with its evidence and timeline, as JSON')
    .argument('<id>')
    .action(async (id: string, _own: Flags, self: Command) => {
      await withIncidents(context, self.optsWithGlobals<Flags>(), async (ask) => {
        const incident = (await ask('GET', about(id))) as object
        const timeline: unknown[] = []
        for (let next: string | undefined = '0'; next !== undefined;) {
          const page = (await ask('GET', about(id, `/timeline?limit=500&after=${next}`))) as {
            readonly items: readonly unknown[]
            readonly next?: string
          }
          timeline.push(...page.items)
          next = page.next
        }
        show({ ...incident, timeline })
      })
    })

  command('assign', 'give an incident to somebody')
    .argument('<id>')
    .argument('<who>')
    .action(async (id: string, who: string, _own: Flags, self: Command) => {
      await withIncidents(context, self.optsWithGlobals<Flags>(), async (ask) =>
        show(await ask('PATCH', about(id), { assignee: who })),
      )
    })

  command('comment', 'write about an incident; its issues in trackers get the comment too')
    .argument('<id>')
    .argument('<text>')
    .action(async (id: string, text: string, _own: Flags, self: Command) => {
      await withIncidents(context, self.optsWithGlobals<Flags>(), async (ask) =>
        show(await ask('POST', about(id, '/comments'), { text })),
      )
    })

  const stateCommand = (name: string, description: string, stateOf: (flags: Flags) => string): void => {
    const made = command(name, description).argument('<id>').option('--reason <text>', 'why; it is recorded')
    if (name === 'resolve') made.option('--false-positive', 'it was none')
    made.action(async (id: string, _own: Flags, self: Command) => {
      const flags = self.optsWithGlobals<Flags>()
      const reason = typeof flags['reason'] === 'string' ? { reason: flags['reason'] } : {}
      await withIncidents(context, flags, async (ask) =>
        show(await ask('PATCH', about(id), { state: stateOf(flags), ...reason })),
      )
    })
  }
  stateCommand('triage', 'say that somebody looked at an incident', () => 'triaged')
  stateCommand('start', 'say that somebody works on an incident', () => 'in_progress')
  stateCommand('resolve', 'end an incident', (flags) =>
    flags['falsePositive'] === true ? 'false_positive' : 'resolved',
  )
  stateCommand('reopen', 'open an incident again; the ledger begins another session of it', () => 'open')

  registerIncidentRecord(command, context, (flags, id) =>
    withIncidents(context, flags, async (ask) => (await ask('GET', about(id, '/sessions'))) as Sessions),
  )
}

/** Titles may hold what somebody wrote: control characters are shown, not sent to the terminal. */
const line = ({ id, state, severity, title, count, last_seen, assignee }: Listed): string =>
  [
    id,
    state,
    severity,
    `${count}x`,
    new Date(last_seen).toISOString(),
    printable(title),
    printable(assignee ?? ''),
  ]
    .join('  ')
    .trimEnd()
