import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { IncidentError } from '../../incidents/errors.js'
import type { Incident } from '../../incidents/incident.js'
import { startIncidents } from '../../incidents/role.js'
import { IncidentStore } from '../../incidents/store.js'
import { openActionSigner } from '../../ledger/client/action-signer.js'
import { rolePaths } from '../../ledger/client/client.js'
import { openTopic } from '../../runtime/topics.js'
import type { CliContext, Flags } from '../context.js'
import { openRoleStores } from '../role-stores.js'

/** `portcullis incidents` (the role) and `portcullis incidents list|show`. */
export const registerIncidents = (program: Command, context: CliContext): void => {
  const shared = (command: Command): Command =>
    command.option('--config <file>', 'configuration file (YAML)').option('--data <dir>', 'data folder')

  const incidents = shared(program.command('incidents'))
    .description('group detections into incidents and announce them; without a subcommand, run the role')
    .action(async (flags: Flags) => {
      const { config } = context.loadConfig(flags)
      await context.runRole('incidents', config, async (log) => {
        const stores = await openRoleStores(config, 'incidents', log)
        const { keyFile } = rolePaths(stores.data, 'incidents')
        try {
          const role = await startIncidents({
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

  const withStore = async (flags: Flags, use: (store: IncidentStore) => void): Promise<void> => {
    const store = await IncidentStore.open(join(resolve(context.loadConfig(flags).config.data), 'incidents'))
    try {
      use(store)
    } finally {
      await store.close()
    }
  }

  shared(incidents.command('list'))
    .description('incidents, newest first')
    .option('--json', 'one JSON object per line')
    .action(async (_own: Flags, command: Command) => {
      const flags = command.optsWithGlobals<Flags>()
      await withStore(flags, (store) => {
        for (const incident of store.list())
          context.stdout.write((flags['json'] === true ? json(incident) : line(incident)) + '\n')
      })
    })

  shared(incidents.command('show'))
    .description('one incident with its evidence, as JSON')
    .argument('<id>')
    .action(async (id: string, _own: Flags, command: Command) => {
      await withStore(command.optsWithGlobals<Flags>(), (store) => {
        const incident = store.get(id)
        if (!incident) throw new IncidentError('INCIDENT_NOT_FOUND', `there is no incident ${id}`)
        context.stdout.write(JSON.stringify(incident, null, 2) + '\n')
      })
    })
}

const json = ({ id, state, severity, title, count, issues, first_seen, last_seen }: Incident): string =>
  JSON.stringify({ id, state, severity, title, count, issues, first_seen, last_seen })

/** Titles may hold what an attacker wrote: control characters are shown, not sent to the terminal. */
const line = ({ id, state, severity, title, count, last_seen }: Incident): string =>
  `${id}  ${state}  ${severity}  ${count}x  ${new Date(last_seen).toISOString()}  ${JSON.stringify(title).slice(1, -1)}`
