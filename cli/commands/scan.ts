import { join } from 'node:path'
import { SingleBar, Presets } from 'cli-progress'
import { InvalidArgumentError, type Command } from 'commander'
import { ScanError } from '../../scanner/errors.js'
import { poolOptions } from '../../scanner/pool-options.js'
import { ScanPool } from '../../scanner/pool.js'
import { Vault } from '../../scanner/quarantine/vault.js'
import { recordFinding } from '../../scanner/record.js'
import { scanTree } from '../../scanner/scan-tree.js'
import { isFound, isRead, type FileResult, type FileVerdict } from '../../scanner/verdict.js'
import type { CliContext, Flags } from '../context.js'
import { openRoleStores, type RoleStores } from '../role-stores.js'

const EXIT_FOUND = 1
const EXIT_ERRORS = 2

interface ScanFlags {
  readonly config?: string
  readonly data?: string
  readonly jobs?: number
  readonly yara: readonly string[]
  readonly hashes: readonly string[]
  readonly json?: boolean
  readonly infected?: boolean
  readonly quarantine?: boolean
  readonly exclude: readonly string[]
  readonly oneFileSystem?: boolean
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const jobs = (value: string): number => {
  const count = Number(value)
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new InvalidArgumentError('It must be a whole number from 1 to 256.')
  return count
}

/** `portcullis scan PATH…` */
export function registerScan(program: Command, context: CliContext): void {
  program
    .command('scan')
    .description('judge files and folders by hash lists and YARA rules')
    .argument('<path...>', 'files or folders; links are not followed')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data folder, for --quarantine')
    .option('--jobs <n>', 'worker processes', jobs)
    .option('--yara <file>', 'YARA rules beside our own (repeatable)', collect, [])
    .option('--hashes <file>', 'SHA-256 list beside our own (repeatable)', collect, [])
    .option('--exclude <text>', 'leave out paths that contain this text (repeatable)', collect, [])
    .option('--one-file-system', 'do not cross into other file systems')
    .option('--infected', 'print only what was found')
    .option('--quarantine', 'move malicious files into the vault of the data folder')
    .option('--json', 'one JSON object per file on standard output')
    .addHelpText(
      'after',
      '\nExit status: 0 all clean, 1 something was found (also when there were errors), 2 only errors.\n' +
        'Errors, skipped and too large files are results of their own and never count as clean.',
    )
    .action(async (paths: string[], flags: ScanFlags) => scan(paths, flags, context))
}

type Counts = Record<FileVerdict | 'too_large', number>

async function scan(paths: readonly string[], flags: ScanFlags, context: CliContext): Promise<void> {
  const { config } = context.loadConfig(flags as Flags & ScanFlags)
  const options = poolOptions({
    ...config.scanner,
    ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
    yara_rules: [...config.scanner.yara_rules, ...flags.yara],
    hash_lists: [...config.scanner.hash_lists, ...flags.hashes],
  })
  const counts: Counts = { clean: 0, suspicious: 0, malicious: 0, error: 0, skipped: 0, too_large: 0 }
  const stores = flags.quarantine
    ? await openRoleStores(config, 'scanner', context.logger(config, 'scanner'))
    : undefined
  const vault = stores && (await Vault.open(join(stores.data, 'scanner'), Date.now))
  const pool = await ScanPool.start(options)
  const bar = progressBar(flags, context)
  const print = (line: string): void => {
    bar?.clear()
    context.stdout.write(line + '\n')
  }
  const start = performance.now()
  try {
    await scanTree(
      pool,
      paths,
      {
        ...(flags.oneFileSystem ? { oneFileSystem: true } : {}),
        ...(flags.exclude.length > 0
          ? { exclude: (path: string) => flags.exclude.some((text) => path.includes(text)) }
          : {}),
      },
      async (result, path) => {
        counts[isTooLarge(result) ? 'too_large' : result.verdict]++
        const kept = stores && vault ? await quarantine(result, path, vault, stores) : {}
        if (!flags.infected || isFound(result.verdict))
          print(flags.json ? JSON.stringify({ ...result, ...kept }) : describe(result) + noteOf(kept))
        if (kept.quarantine_error !== undefined) counts.error++
        bar?.count(counts)
      },
    )
  } finally {
    bar?.stop()
    await pool.close()
    await stores?.close()
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  context.stderr.write(
    `${counts.malicious} malicious, ${counts.suspicious} suspicious, ${counts.clean} clean, ` +
      `${counts.error} errors, ${counts.skipped} skipped, ${counts.too_large} too large in ${seconds} s\n`,
  )
  if (counts.malicious + counts.suspicious > 0) context.setExitCode(EXIT_FOUND)
  else if (counts.error > 0) context.setExitCode(EXIT_ERRORS)
}

/** What became of a malicious file; a file that could not be moved does not end the scan of the others. */
interface Kept {
  readonly quarantine?: string
  readonly quarantine_error?: string
}

async function quarantine(result: FileResult, path: Buffer, vault: Vault, stores: RoleStores): Promise<Kept> {
  if (result.verdict !== 'malicious' || !isRead(result)) return {}
  const record = { ...stores, now: Date.now }
  try {
    const item = await vault.store(
      path,
      result,
      result.reasons.map((reason) => reason.rule),
    )
    await recordFinding(record, result, item)
    return { quarantine: item.id }
  } catch (error) {
    if (!(error instanceof ScanError)) throw error
    await recordFinding(record, result)
    return { quarantine_error: `${error.code}: ${error.message}` }
  }
}

const noteOf = ({ quarantine: id, quarantine_error: error }: Kept): string =>
  id !== undefined ? ` -> quarantined as ${id}` : error !== undefined ? ` -> NOT quarantined, ${error}` : ''

const isTooLarge = (result: FileResult): boolean =>
  result.reasons.some((reason) => reason.engine === 'limit' && reason.rule === 'too_large')

function describe(result: FileResult): string {
  const verdict = isTooLarge(result) ? 'too large' : result.verdict
  const reasons = result.reasons.map(({ engine, rule, detail }) =>
    engine === 'file' || engine === 'limit' ? (detail ?? rule) : `${engine} ${rule}`,
  )
  // A file name may hold control characters that a terminal would act on.
  const path = JSON.stringify(result.path).slice(1, -1)
  return `${path}: ${verdict}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`
}

/** Progress on a terminal; there is no total, since the walk runs while files are judged. */
function progressBar(flags: ScanFlags, context: CliContext) {
  if (flags.json || !context.stderr.isTTY) return undefined
  const bar = new SingleBar(
    {
      format: 'scanned {value} files | {found} found | {duration_formatted}',
      stream: context.stderr,
      hideCursor: null,
    },
    Presets.legacy,
  )
  bar.start(0, 0, { found: 0 })
  return {
    clear: () => context.stderr.write('\r\x1b[K'),
    count: (counts: Counts) => {
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
      bar.update(total, { found: counts.malicious + counts.suspicious })
    },
    stop: () => bar.stop(),
  }
}
