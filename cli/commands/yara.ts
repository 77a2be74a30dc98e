import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Option } from 'commander'
import { writePrivateFile } from '../../runtime/data-folder.js'
import { YaraRules, type YaraChoice } from '../../scanner/engines/yara-rules.js'
import { scanPolicyConfig } from '../../scanner/policy.js'
import { ruleOfNdb } from '../../scanner/yara/ndb.js'
import type { CliContext } from '../context.js'
import { printable } from '../printable.js'

interface CheckFlags {
  readonly engine: YaraChoice
  readonly json?: boolean
}

/** Refused lines that are printed of each file. */
const SHOWN = 20

/** `portcullis yara check|import` */
export function registerYara(program: Command, context: CliContext): void {
  const yara = program.command('yara').description('check and make YARA rules')
  yara
    .command('import')
    .description('make YARA rules of the extended signatures of ClamAV (.ndb)')
    .argument('<file...>', 'signatures; those that have no equal in YARA are named and left out')
    .requiredOption('--output <file>', 'the rules; the file is replaced as a whole')
    .addHelpText('after', '\nExit status: 0 every line was taken, 1 some were not.')
    .action(async (files: readonly string[], { output }: { readonly output: string }) => {
      const rules: string[] = []
      let refused = 0
      for (const file of files) {
        let ofFile = 0
        const lines = readFileSync(file, 'latin1').split('\n')
        for (const [index, line] of lines.entries()) {
          const made = ruleOfNdb(line, rules.length + 1)
          if (made && 'rule' in made) rules.push(made.rule)
          else if (made && ++ofFile <= SHOWN)
            context.stderr.write(`${printable(file)}:${index + 1}: not taken: ${printable(made.refused)}\n`)
        }
        if (ofFile > SHOWN)
          context.stderr.write(`${printable(file)}: and ${ofFile - SHOWN} more lines not taken\n`)
        refused += ofFile
      }
      await writePrivateFile(resolve(output), rules.join('\n'))
      context.stdout.write(`${output}: ${rules.length} rules, ${refused} lines not taken\n`)
      if (refused > 0) context.setExitCode(1)
    })
  yara
    .command('check')
    .description('compile rule files as the scanner does, and name what it would leave out')
    .argument('<file...>', 'rule files, and folders of them; together, as one namespace')
    .addOption(
      new Option('--engine <name>', 'implementation of YARA')
        .choices(['auto', 'native', 'wasm'])
        .default('auto'),
    )
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', '\nExit status: 0 every rule compiles, 1 some do not.')
    .action(async (files: readonly string[], flags: CheckFlags) => {
      const { loaded } = await YaraRules.load(files, flags.engine, scanPolicyConfig.parse({}))
      if (flags.json) context.stdout.write(`${JSON.stringify(loaded)}\n`)
      else {
        for (const { file, line, rule, message } of loaded.problems)
          context.stdout.write(
            `${printable(file)}${line === undefined ? '' : `:${line}`}: ${rule === undefined ? 'file' : `rule ${rule}`} left out: ${printable(message)}\n`,
          )
        context.stdout.write(
          `${loaded.rules} rules compile (${loaded.engine}), ${loaded.problems.length} problems` +
            `${loaded.fallback === undefined ? '' : `; no native engine: ${printable(loaded.fallback)}`}\n`,
        )
      }
      if (loaded.problems.length > 0) context.setExitCode(1)
    })
}
