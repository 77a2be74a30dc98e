import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { startTelemetry } from '../../runtime/telemetry/telemetry.js'
import { askDaemon } from '../../scanner/control/client.js'
import { pausedSince, setPaused } from '../../scanner/control/pause-file.js'
import { startScanner } from '../../scanner/role.js'
import { privateFolder } from '../../runtime/data-folder.js'
import type { CliContext, Flags } from '../context.js'
import { collect } from '../flags.js'
import { openTopic } from '../../runtime/topics.js'
import { openRoleStores } from '../role-stores.js'
import { version } from '../run.js'

/** `portcullis scanner` (the daemon) and `portcullis scanner status|pause|resume`. */
export const registerScanner = (program: Command, context: CliContext): void => {
  const shared = (command: Command): Command =>
    command.option('--config <file>', 'configuration file (YAML)').option('--data <dir>', 'data folder')

  const scanner = shared(program.command('scanner'))
    .description('watch folders, and judge what other programs send; without a subcommand, run the daemon')
    .option('--watch <path>', 'folder to watch (repeatable)', collect)
    .option('--clamd-socket <path>', "Unix socket for clamd's clients, such as clamdscan")
    .option('--icap <host:port>', 'ICAP address for proxies, service scan')
    .option(
      '--listen <host:port>',
      'HTTP address for GET /health, /ready, /metrics, and with scanner.http.token POST /v1/scan',
    )
    .action(async ({ listen, ...flags }: Flags) => {
      const { config } = context.loadConfig({ ...flags, scannerListen: listen })
      await context.runRole('scanner', config, async (log) => {
        const stores = await openRoleStores(config, 'scanner', log)
        const telemetry = await startTelemetry({ role: 'scanner', version, config: config.telemetry, log })
        const release = async (): Promise<void> => {
          await telemetry.shutdown()
          await stores.close()
        }
        try {
          const daemon = await startScanner({
            config: config.scanner,
            folder: join(stores.data, 'scanner'),
            events: stores.events,
            commands: openTopic(stores.outbox, 'commands.scanner'),
            ledger: stores.ledger,
            now: Date.now,
            version,
            log,
            telemetry,
          })
          return {
            info: {
              watch: config.scanner.watch,
              quarantine: config.scanner.quarantine,
              ...daemon.addresses,
            },
            checks: daemon.checks,
            metrics: () => telemetry.expose(),
            reopen: () => void daemon.reload(),
            async stop() {
              await daemon.close()
              await release()
            },
          }
        } catch (error) {
          await release()
          throw error
        }
      })
    })

  const print = (flags: Flags, running: boolean, state: object): void => {
    const all = { running, ...state }
    context.stdout.write(flags.json === true ? `${JSON.stringify(all)}\n` : `${lines(all).join('\n')}\n`)
  }
  const verb = (name: 'status' | 'pause' | 'resume', description: string): Command =>
    shared(scanner.command(name))
      .description(description)
      .option('--json', 'as one JSON object')
      .action(async (flags: Flags) => {
        const data = resolve(context.loadConfig(flags).config.data)
        const folder = join(data, 'scanner')
        const said = await askDaemon(folder, name)
        if (said) {
          print(flags, true, said)
          return
        }
        // Nobody runs: the next start finds it.
        if (name !== 'status') {
          await privateFolder(data)
          await privateFolder(folder)
          await setPaused(folder, name === 'pause' ? (pausedSince(folder) ?? Date.now()) : undefined)
        } else context.setExitCode(1)
        const since = pausedSince(folder)
        print(flags, false, since === undefined ? {} : { paused_since: since })
      })
  verb('status', 'tell how the daemon of the data folder is; exit status 1 when none runs')
  verb(
    'pause',
    'let passes, changes and schedules stand still, also over restarts; clamd, HTTP and ICAP go on',
  )
  verb('resume', 'let them go on')
}

/** `name: value` for people; what lies deeper has its names joined by dots. */
function lines(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    const key = `${prefix}${name}`
    if (typeof inner === 'object' && inner !== null) return lines(inner, `${key}.`)
    const isTime = typeof inner === 'number' && /(?:_since|loaded|started|ended|next)$/.test(name)
    return [`${key}: ${isTime ? new Date(inner).toISOString() : String(inner)}`]
  })
}
