import { join, resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { Vault, type StoredItem } from '../../scanner/quarantine/vault.js'
import { PersonsActs } from '../../scanner/response/persons-acts.js'
import { ResponseStore } from '../../scanner/response/store.js'
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
  /** Opens what acts are recorded in, for as long as `work` takes. */
  const acting = async (
    { config, vault }: Awaited<ReturnType<typeof open>>,
    work: (
      act: <T>(action: 'restore' | 'discard', item: StoredItem, perform: () => Promise<T>) => Promise<T>,
    ) => Promise<void>,
  ): Promise<void> => {
    const stores = await openRoleStores(config, 'scanner', context.logger(config, 'scanner'))
    const store = ResponseStore.open(join(stores.data, 'scanner'))
    try {
      const acts = new PersonsActs({ ...stores, store, vault, now: Date.now })
      await acts.resume()
      await work((action, { id, sha256, path }, perform) =>
        acts.carryOut(
          id,
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
          perform,
        ),
      )
    } finally {
      await store.close()
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
      const opened = await open(flags)
      const { vault } = opened
      const restore = () =>
        vault.restore(id, {
          ...(flags.to === undefined ? {} : { to: resolve(flags.to) }),
          ...(flags.keepSetId ? { keepSetId: true } : {}),
        })
      const known = await vault.show(id)
      // One that is damaged cannot be shown, and is refused by the vault in its own words.
      if (!known) await restore()
      else await acting(opened, (act) => act('restore', known, async () => void (await restore())))
      print(flags, known ?? { id }, `restored ${flags.to ?? known?.path}`)
    })

  verb('delete', 'delete an item for good')
    .argument('<id>')
    .action(async (id: string, flags: QuarantineFlags) => {
      const opened = await open(flags)
      const { vault } = opened
      const item = await vault.show(id)
      if (item) await acting(opened, (act) => act('discard', item, () => vault.delete(id)))
      else await vault.delete(id)
      print(flags, item ?? { id }, `deleted ${id}`)
    })

  verb('purge', 'delete old items for good')
    .requiredOption('--older-than <days>', 'items that came into the vault longer ago', days)
    .action(async (flags: QuarantineFlags) => {
      const opened = await open(flags)
      const { vault } = opened
      const before = Date.now() - (flags.olderThan ?? 0) * DAY_MS
      const old: StoredItem[] = []
      for (const entry of await vault.list())
        if ('error' in entry) {
          context.stderr.write(`${entry.id} stays, ${entry.error.code}: ${entry.error.message}\n`)
          context.setExitCode(1)
        } else if (entry.item.stored_at < before) old.push(entry.item)
      if (old.length === 0) return
      await acting(opened, async (act) => {
        for (const item of old) {
          await act('discard', item, () => vault.delete(item.id))
          print(flags, item, `deleted ${item.id}`)
        }
      })
    })
}
