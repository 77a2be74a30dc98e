import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { Vault, type StoredItem } from '../../scanner/quarantine/vault.js'
import { recordQuarantine } from '../../scanner/record.js'
import type { Config } from '../config.js'
import type { CliContext, Flags } from '../context.js'
import { openRoleStores } from '../role-stores.js'

interface QuarantineFlags {
  readonly data?: string
  readonly config?: string
  readonly json?: boolean
  readonly to?: string
  readonly keepSetId?: boolean
}

/** `portcullis quarantine list|restore|delete` */
export function registerQuarantine(program: Command, context: CliContext): void {
  const quarantine = program.command('quarantine').description('files that the scanner took away')
  const verb = (name: string, description: string): Command =>
    quarantine
      .command(name)
      .description(description)
      .option('--config <file>', 'configuration file (YAML)')
      .option('--data <dir>', 'data folder')
      .option('--json', 'one JSON object per item on standard output')

  const open = async (flags: QuarantineFlags) => {
    const { config } = context.loadConfig(flags as Flags & QuarantineFlags)
    return { config, vault: await Vault.open(join(resolve(config.data), 'scanner'), Date.now) }
  }
  const record = async (config: Config, step: 'restored' | 'deleted', item: StoredItem): Promise<void> => {
    const stores = await openRoleStores(config, 'scanner', context.logger(config, 'scanner'))
    recordQuarantine({ ledger: stores.ledger, now: Date.now }, step, item)
    await stores.close()
  }
  const print = (flags: QuarantineFlags, value: object, text: string): void => {
    context.stdout.write((flags.json ? JSON.stringify(value) : text) + '\n')
  }

  verb('list', 'show what the vault holds, oldest first').action(async (flags: QuarantineFlags) => {
    for (const entry of await (await open(flags)).vault.list())
      if ('item' in entry) {
        const { item } = entry
        const when = new Date(item.stored_at).toISOString()
        const path = JSON.stringify(item.path).slice(1, -1)
        print(flags, item, `${item.id}  ${when}  ${item.size} bytes  ${path}  ${item.reasons.join(', ')}`)
      } else {
        print(
          flags,
          { id: entry.id, error: entry.error.code },
          `${entry.id}  ${entry.error.code}: ${entry.error.message}`,
        )
        context.setExitCode(1)
      }
  })

  verb('restore', 'put an item back where it was; nothing is overwritten')
    .argument('<id>')
    .option('--to <path>', 'another place than the one it came from')
    .option('--keep-set-id', 'keep its set-user-id and set-group-id bits')
    .action(async (id: string, flags: QuarantineFlags) => {
      const { config, vault } = await open(flags)
      const item = await vault.restore(id, {
        ...(flags.to === undefined ? {} : { to: resolve(flags.to) }),
        ...(flags.keepSetId ? { keepSetId: true } : {}),
      })
      await record(config, 'restored', item)
      print(flags, item, `restored ${flags.to ?? item.path}`)
    })

  verb('delete', 'delete an item for good')
    .argument('<id>')
    .action(async (id: string, flags: QuarantineFlags) => {
      const { config, vault } = await open(flags)
      const item = await vault.show(id)
      await vault.delete(id)
      if (item) await record(config, 'deleted', item)
      print(flags, item ?? { id }, `deleted ${id}`)
    })
}
