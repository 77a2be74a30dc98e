import type { Command } from 'commander'
import { Option } from 'commander'
import { YaraRules, type YaraChoice } from '../../scanner/engines/yara-rules.js'
import { scanPolicyConfig } from '../../scanner/policy.js'
import type { CliContext } from '../context.js'
import { printable } from '../printable.js'

interface CheckFlags {
  readonly engine: YaraChoice
  readonly json?: boolean
}

/** `portcullis yara check` */
export function registerYara(program: Command, context: CliContext): void {
  program
    .command('yara')
    .description('check YARA rules')
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
