import { join } from 'node:path'
import type { Command } from 'commander'
import { startScanner } from '../../scanner/role.js'
import type { CliContext, Flags } from '../context.js'
import { collect } from '../flags.js'
import { openTopic } from '../../runtime/topics.js'
import { openRoleStores } from '../role-stores.js'
import { version } from '../run.js'

/** `portcullis scanner`: the daemon. */
export const registerScanner = (program: Command, context: CliContext): void => {
  program
    .command('scanner')
    .description('watch folders, and judge what other programs send')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data folder')
    .option('--watch <path>', 'folder to watch (repeatable)', collect)
    .option('--clamd-socket <path>', "Unix socket for clamd's clients, such as clamdscan")
    .option('--icap <host:port>', 'ICAP address for proxies, service scan')
    .option('--listen <host:port>', 'HTTP address for POST /v1/scan; needs scanner.http.token')
    .action(async ({ listen, ...flags }: Flags) => {
      const { config } = context.loadConfig({ ...flags, scannerListen: listen })
      await context.runRole('scanner', config, async (log) => {
        const stores = await openRoleStores(config, 'scanner', log)
        try {
          const scanner = await startScanner({
            config: config.scanner,
            folder: join(stores.data, 'scanner'),
            events: stores.events,
            commands: openTopic(stores.outbox, 'commands.scanner'),
            ledger: stores.ledger,
            now: Date.now,
            version,
            log,
          })
          return {
            info: {
              watch: config.scanner.watch,
              quarantine: config.scanner.quarantine,
              ...scanner.addresses,
            },
            async stop() {
              await scanner.close()
              await stores.close()
            },
          }
        } catch (error) {
          await stores.close()
          throw error
        }
      })
    })
}
