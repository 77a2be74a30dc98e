import { join, resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { writePrivateFile } from '../../runtime/data-folder.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { ScanError } from '../../scanner/errors.js'
import { glob } from '../../scanner/glob.js'
import { poolOptions } from '../../scanner/pool-options.js'
import { ScanPool, type PoolOptions } from '../../scanner/pool.js'
import { Vault } from '../../scanner/quarantine/vault.js'
import { recordFinding } from '../../scanner/record.js'
import { ResponseStore } from '../../scanner/response/store.js'
import { scanTree } from '../../scanner/scan-tree.js'
import { withInstalled } from '../../scanner/signatures/with-installed.js'
import { isFound, isRead, type FileResult, type FileVerdict } from '../../scanner/verdict.js'
import { countFiles, type WalkOptions } from '../../scanner/walk.js'
import type { Loaded } from '../../scanner/worker-protocol.js'
import { UsageError, type CliContext, type Flags } from '../context.js'
import { printable } from '../printable.js'
import { openRoleStores, type RoleStores } from '../role-stores.js'
import { showProgress, type Progress } from '../scan/progress.js'
import { reportPage } from '../scan/report-page.js'
import { ReportBuilder } from '../scan/report.js'
import { parseSize } from '../scan/size.js'

const EXIT_FOUND = 1
const EXIT_ERRORS = 2
/** The path that stands for standard input, and what its result is called. */
const STDIN = '-'
const STDIN_NAME = 'stdin'

interface ScanFlags {
  readonly config?: string
  readonly data?: string
  readonly jobs?: number
  readonly yara: readonly string[]
  readonly hashes: readonly string[]
  readonly json?: boolean
  readonly infected?: boolean
  readonly raw?: boolean
  readonly quarantine?: boolean
  readonly exclude: readonly string[]
  readonly oneFileSystem?: boolean
  readonly maxSize?: number
  readonly report?: string
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
    .argument('<path...>', 'files or folders; links are not followed; - is standard input')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data folder, for --quarantine and installed signatures')
    .option('--jobs <n>', 'worker processes', jobs)
    .option('--yara <file>', 'YARA rules, a file or folder, beside our own (repeatable)', collect, [])
    .option(
      '--hashes <file>',
      'list or database of malicious digests beside our own (repeatable)',
      collect,
      [],
    )
    .option(
      '--exclude <glob>',
      'leave out names, or with a slash paths, that match (repeatable)',
      collect,
      [],
    )
    .option('--max-size <size>', 'larger files are skipped and said so, such as 64M', parseSize)
    .option('--one-file-system', 'do not cross into other file systems')
    .option('--raw', 'do not look into archives')
    .option('--infected', 'print only what was found')
    .option('--quarantine', 'move malicious files into the vault of the data folder')
    .option('--report <file>', 'write an HTML page with charts (readable by you alone)')
    .option('--json', 'one JSON object per file on standard output')
    .addHelpText(
      'after',
      '\nExit status: 0 all clean, 1 something was found (also when there were errors), 2 only errors; rules that do not\n' +
        'compile are errors, and a scan that cannot start is one.\n' +
        'Errors, skipped and too large files are results of their own and never count as clean.',
    )
    .action(async (paths: string[], flags: ScanFlags) => scan(paths, flags, context))
}

type Counts = Record<FileVerdict | 'too_large', number>

async function scan(paths: readonly string[], flags: ScanFlags, context: CliContext): Promise<void> {
  if (flags.quarantine && paths.includes(STDIN))
    throw new UsageError('--quarantine takes files away; standard input is none')
  const { config } = context.loadConfig(flags as Flags & ScanFlags)
  const folder = join(resolve(config.data), 'scanner')
  const scanner = await withInstalled(config.scanner, folder)
  const fromConfig = poolOptions({
    ...scanner,
    ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
    ...(flags.maxSize === undefined ? {} : { max_file_size: flags.maxSize }),
    ...(flags.raw ? { raw: true } : {}),
    yara_rules: [...scanner.yara_rules, ...flags.yara],
    hash_lists: [...scanner.hash_lists, ...flags.hashes],
  })
  const options = { ...fromConfig, blocked: await ResponseStore.blockedIn(folder, Date.now()) }
  const counts: Counts = { clean: 0, suspicious: 0, malicious: 0, error: 0, skipped: 0, too_large: 0 }
  const report = flags.report === undefined ? undefined : new ReportBuilder(paths)
  const stores = flags.quarantine
    ? await openRoleStores(config, 'scanner', context.logger(config, 'scanner'))
    : undefined
  const vault = stores && (await Vault.open(join(stores.data, 'scanner'), Date.now))
  const pool = await startPool(options, context)
  if (!pool) {
    await stores?.close()
    return
  }
  const ruleProblems = pool.loaded ? sayLoaded(pool.loaded, context) : 0
  const progress = flags.json || !context.stderr.isTTY ? undefined : showProgress(context.stderr)
  const counting = new AbortController()
  const start = performance.now()
  const onResult = async (result: FileResult, path?: Buffer): Promise<void> => {
    counts[isTooLarge(result) ? 'too_large' : result.verdict]++
    report?.add(result)
    const kept = stores && vault && path ? await quarantine(result, path, vault, stores) : {}
    if (!flags.infected || isFound(result.verdict)) {
      progress?.clear()
      context.stdout.write(
        (flags.json ? JSON.stringify({ ...result, ...kept }) : describe(result) + noteOf(kept)) + '\n',
      )
    }
    if (kept.quarantine_error !== undefined) counts.error++
    progress?.count(filesIn(counts), counts.malicious + counts.suspicious)
  }
  try {
    const walkOptions = walkOptionsOf(flags)
    const folders = paths.filter((path) => path !== STDIN)
    if (progress) void showTotal(progress, folders, walkOptions, counting.signal)
    if (paths.includes(STDIN)) await onResult(await judgeStdin(pool, context))
    await scanTree(pool, folders, walkOptions, onResult)
  } finally {
    counting.abort()
    progress?.stop()
    await pool.close()
    await stores?.close()
  }
  if (report && flags.report !== undefined) await writeReport(flags.report, report)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  context.stderr.write(
    `${counts.malicious} malicious, ${counts.suspicious} suspicious, ${counts.clean} clean, ` +
      `${counts.error} errors, ${counts.skipped} skipped, ${counts.too_large} too large in ${seconds} s` +
      `${ruleProblems > 0 ? `; ${ruleProblems} problems with rules` : ''}\n`,
  )
  if (counts.malicious + counts.suspicious > 0) context.setExitCode(EXIT_FOUND)
  else if (counts.error + ruleProblems > 0) context.setExitCode(EXIT_ERRORS)
}

/** A scan that cannot start has found nothing, which exit status 1 would say. */
async function startPool(options: PoolOptions, context: CliContext): Promise<ScanPool | undefined> {
  try {
    return await ScanPool.start(options)
  } catch (error) {
    if (!(error instanceof ScanError)) throw error
    context.stderr.write(`${error.code}: ${printable(error.message)}\n`)
    context.setExitCode(EXIT_ERRORS)
    return undefined
  }
}

/** Says what the files are judged without. @returns problems with rules */
function sayLoaded({ yara }: Loaded, context: CliContext): number {
  if (yara.fallback !== undefined)
    context.stderr.write(
      `the native YARA engine does not load, the slow one is used: ${printable(yara.fallback)}\n`,
    )
  for (const { file, line, rule, message } of yara.problems)
    context.stderr.write(
      `${printable(file)}${line === undefined ? '' : `:${line}`}: ` +
        `${rule === undefined ? 'file' : `rule ${printable(rule)}`} left out: ${printable(message)}\n`,
    )
  return yara.problems.length
}

const filesIn = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

function walkOptionsOf(flags: ScanFlags): WalkOptions {
  // A pattern with a slash means a path, which is told from the working folder as every other path is.
  const excluded = flags.exclude.map((pattern) =>
    glob(pattern.replace(/\/$/, '').includes('/') ? resolve(pattern) : pattern),
  )
  return {
    ...(flags.oneFileSystem ? { oneFileSystem: true } : {}),
    ...(excluded.length > 0 ? { exclude: (path: string) => excluded.some((isMeant) => isMeant(path)) } : {}),
  }
}

/** Counts the files while they are scanned; the walk of names alone is soon far ahead. */
async function showTotal(
  progress: Progress,
  paths: readonly string[],
  options: WalkOptions,
  signal: AbortSignal,
): Promise<void> {
  const files = await countFiles(
    paths.map((path) => Buffer.from(resolve(path))),
    options,
    signal,
  )
  if (!signal.aborted) progress.total(files)
}

async function judgeStdin(pool: ScanPool, context: CliContext): Promise<FileResult> {
  try {
    return await pool.judgeContent(context.stdin as AsyncIterable<Uint8Array>, STDIN_NAME)
  } catch (error) {
    const rule = codeOf(error) ?? 'UNKNOWN'
    const detail = `cannot read: ${messageOf(error)}`
    return {
      path: STDIN_NAME,
      verdict: 'error',
      reasons: [{ engine: 'file', rule, level: 'error', detail }],
      ms: 0,
    }
  }
}

async function writeReport(file: string, report: ReportBuilder): Promise<void> {
  try {
    await writePrivateFile(file, reportPage(report.finish()))
  } catch (cause) {
    throw new ScanError('SCAN_REPORT', `cannot write the report ${file}: ${messageOf(cause)}`, { cause })
  }
}

/** What became of a malicious file; a file that could not be moved does not end the scan of the others. */
interface Kept {
  readonly quarantine?: string
  /** Other names of the same file, under which it is still there. */
  readonly hard_links?: number
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
    return { quarantine: item.id, ...(item.hard_links > 0 ? { hard_links: item.hard_links } : {}) }
  } catch (error) {
    if (!(error instanceof ScanError)) throw error
    await recordFinding(record, result)
    return { quarantine_error: `${error.code}: ${error.message}` }
  }
}

function noteOf({ quarantine: id, hard_links: links, quarantine_error: error }: Kept): string {
  if (error !== undefined) return ` -> NOT quarantined, ${error}`
  if (id === undefined) return ''
  return ` -> quarantined as ${id}${links === undefined ? '' : `; ${links} other names of the file REMAIN`}`
}

const isTooLarge = (result: FileResult): boolean =>
  result.reasons.some((reason) => reason.engine === 'limit' && reason.rule === 'too_large')

function describe(result: FileResult): string {
  const verdict = isTooLarge(result) ? 'too large' : result.verdict
  const reasons = result.reasons.map(
    ({ engine, rule, detail, member }) =>
      (engine === 'file' || engine === 'limit' ? (detail ?? rule) : `${engine} ${rule}`) +
      (member === undefined ? '' : ` in ${member}`),
  )
  // A file name may hold control characters that a terminal would act on.
  const path = JSON.stringify(result.path).slice(1, -1)
  return `${path}: ${verdict}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`
}
