import { join, resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { Vault, type StoredItem } from '../../scanner/quarantine/vault.js'
import { recordPersonsAct } from '../../scanner/record.js'
import type { Config } from '../config.js'
import type { CliContext, Flags } from '../context.js'
import { actingPerson } from '../acting-person.js'
import { openRoleStores } from '../role-stores.js'

interface QuarantineFlags {
  readonly data?: string
  readonly config?: string
  readonly json?: boolean
  readonly to?: string
  readonly keepSetId?: boolean
  readonly olderThan?: number
}

const DAY_MS = 24 * 60 * 60 * 1000

const days = (value: string): number => {
  if (!/^\d{1,5}$/.test(value)) throw new InvalidArgumentError('It must be a whole number of days.')
  return Number(value)
}

/** `portcullis quarantine list|restore|delete|purge` */
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
  const record = async (
    config: Config,
    action: 'restore' | 'discard',
    items: readonly StoredItem[],
  ): Promise<void> => {
    const stores = await openRoleStores(config, 'scanner', context.logger(config, 'scanner'))
    try {
      for (const { id, sha256, path } of items)
        await recordPersonsAct(
          { ...stores, now: Date.now },
          {
            action,
            by: actingPerson(),
            done: action === 'restore' ? `put back ${path}` : `destroyed ${path} in the vault`,
            quarantine: id,
            entry: {
              kind: action === 'restore' ? 'quarantine.restored' : 'quarantine.deleted',
              members: { item: { id, sha256 } },
            },
          },
        )
    } finally {
      await stores.close()
    }
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
      await record(config, 'restore', [item])
      print(flags, item, `restored ${flags.to ?? item.path}`)
    })

  verb('delete', 'delete an item for good')
    .argument('<id>')
    .action(async (id: string, flags: QuarantineFlags) => {
      const { config, vault } = await open(flags)
      const item = await vault.show(id)
      await vault.delete(id)
      if (item) await record(config, 'discard', [item])
      print(flags, item ?? { id }, `deleted ${id}`)
    })

  verb('purge', 'delete old items for good')
    .requiredOption('--older-than <days>', 'items that came into the vault longer ago', days)
    .action(async (flags: QuarantineFlags) => {
      const { config, vault } = await open(flags)
      const before = Date.now() - (flags.olderThan ?? 0) * DAY_MS
      const purged: StoredItem[] = []
      for (const entry of await vault.list())
        if ('item' in entry && entry.item.stored_at < before) {
          await vault.delete(entry.item.id)
          purged.push(entry.item)
          print(flags, entry.item, `deleted ${entry.item.id}`)
        } else if ('error' in entry) {
          context.stderr.write(`${entry.id} stays, ${entry.error.code}: ${entry.error.message}\n`)
          context.setExitCode(1)
        }
      if (purged.length > 0) await record(config, 'discard', purged)
    })
}
