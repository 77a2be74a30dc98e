import type { Command } from 'commander'

import { splitHostPort } from '../../runtime/host-port.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { startDemoService } from '../demo-service.js'
import { DEMO_LISTEN } from '../demo.js'

/** `portcullis demo-service`: what `up --demo` puts behind the gateway. */
export const registerDemoService = (program: Command, context: CliContext): void => {
  program
    .command('demo-service')
    .description('serve the small demo service alone, without any protection')
    .option('--listen <host:port>', 'where it listens', DEMO_LISTEN)
    .action(async ({ listen }: Flags) => {
      const { config } = context.loadConfig({})
      await context.runRole('demo-service', config, async () => {
        let address
        try {
          address = splitHostPort(String(listen))
        } catch (error) {
          throw new UsageError(`--listen ${String(listen)}: must be HOST:PORT`, { cause: error })
        }
        return startDemoService(address)
      })
    })
}
