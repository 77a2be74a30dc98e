import { join, resolve } from 'node:path'
import type { Command } from 'commander'

import { realDisk } from '../../ledger/disk.js'
import { exportLog } from '../../ledger/export.js'
import { checkLogFolder } from '../../ledger/fsck.js'
import type { FsckCheck } from '../../ledger/fsck.js'
import { importLog } from '../../ledger/import.js'
import { findRoot } from '../../ledger/keys/root.js'
import { mirrorOpener } from '../../ledger/mirror/open.js'
import { restoreFromMirror } from '../../ledger/mirror/restore.js'
import { defaultName, rootSource } from '../../ledger/role.js'
import { decodeVkey } from '../../proofs/note-key.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import type { Config } from '../config.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { success, withAccess } from './ledger-access.js'
import { describeFinding, progressBar } from './ledger-audit.js'

interface CareFlags extends Flags {
  readonly repair?: boolean
  readonly fromMirror?: boolean
  readonly json?: boolean
  readonly root?: string
}

const clock = { now: () => Date.now() }

/**
 * The commands that look after a log: `fsck`, `export`, `import`.
 *
 * @param command makes a subcommand of `ledger` that knows the data folder
 */
export const registerLedgerCare = (
  command: (usage: string, description: string) => Command,
  context: CliContext,
): void => {
  command('fsck', 'check the data folder of a ledger that does not run')
    .option('--repair', 'make again what can be made again from the entries')
    .option('--json', 'the checks, as one JSON object on standard output')
    .addHelpText('after', '\nExit status: 0 all is well, or was repaired; 1 otherwise.')
    .action((_: unknown, self: Command) => fsck(context, self.optsWithGlobals<CareFlags>()))

  command('export', 'write the log as static files (C2SP tlog-tiles), or go on with an earlier export')
    .argument('<folder>', 'where to; a web server can serve it as it is')
    .action((folder: string, _: unknown, self: Command) =>
      withAccess(context, self.optsWithGlobals<CareFlags>(), async (access) => {
        const bar = progressBar(context, 'files')
        try {
          const read = async (target: string): Promise<Uint8Array> =>
            success(await access.request({ target }))
          const { origin, size, files } = await exportLog(read, folder, bar?.update)
          bar?.stop()
          context.stdout.write(`${size} entries of ${origin} in ${folder}, ${files} files written\n`)
        } finally {
          bar?.stop()
        }
      }),
    )

  command('import', 'make a log again, in a data folder that holds its key and no log')
    .argument('[folder]', 'an export of it')
    .option('--from-mirror', 'from the database of ledger.mysql')
    .option('--root <vkey>', 'the root key of the log, as policies name it (the one at hand)')
    .action((folder: string | undefined, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<CareFlags>()
      if ((folder === undefined) !== (flags.fromMirror === true))
        throw new UsageError('name the folder of an export, or say --from-mirror')
      return folder === undefined ? runRestore(context, flags) : runImport(context, folder, flags)
    })
}

const fsck = async (context: CliContext, flags: CareFlags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const report = await checkLogFolder({
    folder: join(resolve(config.data), 'ledger'),
    disk: realDisk,
    clock,
    log: context.logger(config, 'ledger'),
    name: config.ledger.name ?? defaultName(),
    segmentBytes: config.ledger.segment_bytes,
    ...(flags.repair && { repair: true }),
  })
  if (flags.json) context.stdout.write(`${JSON.stringify(report)}\n`)
  else context.stdout.write(report.checks.map((check) => `${describe(check)}\n`).join(''))
  if (!report.ok) context.setExitCode(1)
}

const describe = ({ result, name, code, message, detail }: FsckCheck): string => {
  const where =
    detail === undefined
      ? ''
      : ` (${Object.entries(detail)
          .map((pair) => pair.join(' '))
          .join(', ')})`
  return `${result.padEnd(10)} ${name}: ${code === undefined ? '' : `${code}: `}${message}${where}`
}

const runRestore = async (context: CliContext, flags: CareFlags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const { mysql, segment_bytes: segmentBytes } = config.ledger
  if (mysql === undefined) throw new UsageError('--from-mirror: ledger.mysql is not configured')
  const { identity, checkpoint } = await restoreFromMirror({
    folder: join(resolve(config.data), 'ledger'),
    disk: realDisk,
    clock,
    root: await pinnedRoot(context, config, flags),
    log: context.logger(config, 'ledger'),
    segmentBytes,
    openMirror: mirrorOpener(mysql, context.env),
  })
  context.stdout.write(`${checkpoint.size} entries of ${identity.origin} restored\n`)
}

/** The root key that the log began with: an import cannot know it from the log. */
const pinnedRoot = async (
  { env }: CliContext,
  { data, ledger }: Config,
  { root }: CareFlags,
): Promise<Pick<NoteVerifier, 'name' | 'publicKey'>> => {
  const found =
    root === undefined
      ? await findRoot(rootSource({ data: resolve(data), config: ledger, env }))
      : decodeVkey(root)
  if (found === undefined)
    throw new UsageError('the root key of the log is not at hand: name it with --root VKEY, as policies do')
  return found
}

const runImport = async (context: CliContext, folder: string, flags: CareFlags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const data = resolve(config.data)
  const root = await pinnedRoot(context, config, flags)
  const bar = progressBar(context, 'entries')
  try {
    const report = await importLog(folder, {
      folder: join(data, 'ledger'),
      disk: realDisk,
      clock,
      root,
      segmentBytes: config.ledger.segment_bytes,
      ...(bar !== undefined && { onProgress: bar.update }),
    })
    bar?.stop()
    if (report.ok) {
      context.stdout.write(`${report.size} entries of ${report.origin} imported\n`)
      context.stderr.write(
        `The log goes on behind entry ${(report.size ?? 0) - 1}. If it ever signed more than that, do not start it: ` +
          'it would sign a second history.\n',
      )
      return
    }
    for (const finding of report.findings) context.stderr.write(`${describeFinding(finding)}\n`)
    context.setExitCode(1)
  } finally {
    bar?.stop()
  }
}
