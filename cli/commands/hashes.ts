import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { HashDatabaseBuilder } from '../../scanner/hashes/builder.js'
import { HashDatabase } from '../../scanner/hashes/database.js'
import type { ListKind } from '../../scanner/hashes/format.js'
import { readList, type ListFormat } from '../../scanner/hashes/list-reader.js'
import type { CliContext, Flags } from '../context.js'
import { printable } from '../printable.js'

/** Refused lines that are printed of each file. */
const SHOWN = 20

interface ImportFlags {
  readonly config?: string
  readonly data?: string
  readonly output?: string
  readonly allow?: boolean
  readonly add?: boolean
  readonly format?: ListFormat
  readonly json?: boolean
}

/** `portcullis hashes import|info` */
export function registerHashes(program: Command, context: CliContext): void {
  const hashes = program.command('hashes').description('build and check databases of known digests')
  hashes
    .command('import')
    .description('build one database from lists of digests')
    .argument(
      '<file...>',
      'lists: plain, CSV of MalwareBazaar, ClamAV .hdb and .hsb, CSV of the NSRL (RDS 2)',
    )
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data folder')
    .option('--output <file>', 'the database (<data>/scanner/hashes); it is replaced in one step')
    .option('--add', 'keep what the database holds already; its names stay')
    .option('--allow', 'the files are known to be good: an allow-list')
    .addOption(
      new Option('--format <name>', 'format of all files (known by name and first line)').choices([
        'plain',
        'malwarebazaar',
        'clamav',
        'nsrl',
      ]),
    )
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nName the database in scanner.hash_lists or scanner.allow_lists, or with `scan --hashes`.' +
        '\nExit status: 0 every line was taken, 1 some were not (each is named) or nothing could be written.',
    )
    .action((files: readonly string[], flags: ImportFlags) => importLists(files, flags, context))

  hashes
    .command('info')
    .description('check a database as a whole and say what it holds')
    .argument('<file>', 'the database')
    .option('--json', 'one JSON object on standard output')
    .action((file: string, flags: Flags) => {
      const database = HashDatabase.open(file, { check: true })
      const sections = database.header.sections.map(({ algorithm, kind, count, bloom }) => ({
        kind,
        algorithm,
        count,
        filter_bytes: bloom.length,
      }))
      database.close()
      if (flags.json === true) context.stdout.write(`${JSON.stringify({ file, sections })}\n`)
      else
        for (const { kind, algorithm, count, filter_bytes: bytes } of sections)
          context.stdout.write(`${count} ${kind} ${algorithm}, filter of ${bytes} bytes\n`)
    })
}

function importLists(files: readonly string[], flags: ImportFlags, context: CliContext): void {
  const target = targetOf(flags, context)
  const kind: ListKind = flags.allow ? 'allowed' : 'malicious'
  const builder = new HashDatabaseBuilder(target)
  let taken = 0
  let kept = 0
  let refused = 0
  try {
    if (flags.add && existsSync(target)) {
      const before = HashDatabase.open(target, { check: true })
      before.each((ofKind, algorithm, bytes, at, name) => {
        builder.add(ofKind, algorithm, bytes, at, name)
        kept++
      })
      before.close()
    }
    for (const file of files) {
      let ofFile = 0
      taken += readList(
        file,
        { kind, ...(flags.format && { format: flags.format }) },
        builder,
        (line, message) => {
          if (++ofFile <= SHOWN)
            context.stderr.write(`${printable(file)}:${line}: not taken: ${printable(message)}\n`)
        },
      )
      if (ofFile > SHOWN)
        context.stderr.write(`${printable(file)}: and ${ofFile - SHOWN} more lines not taken\n`)
      refused += ofFile
    }
    const sections = builder
      .finish()
      .map(({ algorithm, kind: of, count }) => ({ kind: of, algorithm, count }))
    const digests = sections.reduce((sum, { count }) => sum + count, 0)
    context.stdout.write(
      flags.json
        ? `${JSON.stringify({ output: target, kept, taken, refused, digests, sections })}\n`
        : `${target}: ${digests} different digests of ${taken} entries${kept > 0 ? ` and ${kept} that were there` : ''}, ${refused} lines not taken\n`,
    )
  } finally {
    builder.discard()
  }
  if (refused > 0) context.setExitCode(1)
}

function targetOf(flags: ImportFlags, context: CliContext): string {
  if (flags.output !== undefined) return resolve(flags.output)
  const { config } = context.loadConfig({ ...flags })
  const target = join(resolve(config.data), 'scanner', 'hashes')
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
  return target
}
