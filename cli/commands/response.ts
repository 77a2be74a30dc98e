import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { ScannerCommand } from '../../runtime/commands.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { HeldFile } from '../../scanner/held-file.js'
import { Vault } from '../../scanner/quarantine/vault.js'
import { Commands } from '../../scanner/response/commands.js'
import { Responder } from '../../scanner/response/responder.js'
import { ResponseStore } from '../../scanner/response/store.js'
import { describePath } from '../../scanner/verdict.js'
import { actingPerson } from '../acting-person.js'
import { UsageError, type CliContext, type Flags } from '../context.js'
import { openRoleStores } from '../role-stores.js'

interface ResponseFlags {
  readonly config?: string
  readonly data?: string
  readonly json?: boolean
  readonly dryRun?: boolean
}

/** `portcullis response quarantine|delete|kill|block|unblock|list`: what incidents ask of the scanner, asked by a person. */
export function registerResponse(program: Command, context: CliContext): void {
  const response = program
    .command('response')
    .description('what is done about a file: by a person here, by incidents through a running scanner')
  const verb = (name: string, description: string): Command =>
    response
      .command(name)
      .description(description)
      .option('--config <file>', 'configuration file (YAML)')
      .option('--data <dir>', 'data folder')
      .option('--json', 'one JSON object per line on standard output')
  const act = async (flags: ResponseFlags, action: ScannerCommand['action']): Promise<void> => {
    const { config } = context.loadConfig(flags as Flags & ResponseFlags)
    const log = context.logger(config, 'scanner')
    const stores = await openRoleStores(config, 'scanner', log)
    const folder = join(stores.data, 'scanner')
    const now = Date.now
    const store = ResponseStore.open(folder)
    try {
      const vault = await Vault.open(folder, now)
      const policy = config.scanner.response
      const responder = new Responder({ vault, store, policy, data: stores.data, now })
      const commands = new Commands(responder, { ...stores, now }, log)
      const id = uuidv7(now())
      const command = { id, time: now(), by: actingPerson(), action, dry_run: flags.dryRun === true }
      const outcome = await commands.take(command)
      const isDry = responder.isDry(command)
      if (flags.json) {
        const { entries: _, ...told } = { entries: [], ...outcome }
        context.stdout.write(`${JSON.stringify({ command: id, dry_run: isDry, ...told })}\n`)
      } else if (outcome.type === 'applied') context.stdout.write(`${outcome.done}\n`)
      else context.stderr.write(`${outcome.code}: ${outcome.reason}\n`)
      if (outcome.type === 'refused') context.setExitCode(1)
    } finally {
      await store.close()
      await stores.close()
    }
  }

  for (const [type, description] of [
    ['quarantine', 'move a file into the vault'],
    ['delete', 'delete a file for good'],
    ['kill', 'end the processes that run, map or have open a file (needs scanner.response.kill)'],
  ] as const)
    verb(type, description)
      .argument('<path>', 'the file; its last name may be no link')
      .option('--dry-run', 'say what would be done, and do nothing')
      .action(async (path: string, flags: ResponseFlags) => {
        const named = Buffer.from(resolve(path))
        const file = await HeldFile.open(named)
        let sha256
        try {
          sha256 = await file.digest()
        } finally {
          await file.close()
        }
        await act(flags, { type, ...describePath(named), sha256 })
      })

  verb('block', 'call every file with this digest malicious')
    .argument('<sha256>')
    .option('--dry-run', 'say what would be done, and do nothing')
    .action((sha256: string, flags: ResponseFlags) =>
      act(flags, { type: 'block_hash', sha256: digest(sha256) }),
    )

  verb('unblock', 'block a digest no longer')
    .argument('<sha256>')
    .option('--dry-run', 'say what would be done, and do nothing')
    .action(async (sha256: string, flags: ResponseFlags) => {
      const wanted = digest(sha256)
      const found = (await listOf(flags)).find(([blocked]) => blocked === wanted)
      if (!found) throw new UsageError(`${wanted} is not blocked`)
      await act(flags, { type: 'revoke', command: found[1].command })
    })

  verb('list', 'show the digests that are blocked').action(async (flags: ResponseFlags) => {
    for (const [sha256, { level, by, since, expires }] of await listOf(flags)) {
      const until = expires === undefined ? '' : ` until ${new Date(expires).toISOString()}`
      context.stdout.write(
        flags.json
          ? `${JSON.stringify({ sha256, level, by, since, ...(expires === undefined ? {} : { expires }) })}\n`
          : `${sha256}  ${level}  by ${by} since ${new Date(since).toISOString()}${until}\n`,
      )
    }
  })

  async function listOf(flags: ResponseFlags) {
    const { config } = context.loadConfig(flags as Flags & ResponseFlags)
    const store = ResponseStore.existing(join(resolve(config.data), 'scanner'))
    try {
      return store?.list(Date.now()) ?? []
    } finally {
      await store?.close()
    }
  }
}

const digest = (text: string): string => {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new UsageError(`${text} is no SHA-256 in hex (64 digits)`)
  return text.toLowerCase()
}
