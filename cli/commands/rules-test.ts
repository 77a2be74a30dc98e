import { resolve } from 'node:path'
import type { Command } from 'commander'

import { failuresOf } from '../../detectors/ftw/check.js'
import { EngineTarget } from '../../detectors/ftw/engine-target.js'
import { requestBytes } from '../../detectors/ftw/request.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { readTests } from '../ftw-files.js'
import { asciiJson, printable } from '../printable.js'

/** `portcullis rules test` */
export const registerRulesTest = (rules: Command, context: CliContext): void => {
  rules
    .command('test')
    .description('run regression tests of a Core Rule Set (FTW files) against the engine')
    .argument('<path...>', 'test files, or folders of them')
    .requiredOption('--crs <dir>', 'folder of the Core Rule Set release')
    .option('--only <rule>', 'tests of this rule only')
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nParanoia level 4, nothing blocked.' + '\nExit status: 0 all passed, 1 some did not.',
    )
    .action((paths: readonly string[], flags: Flags) => {
      const tests = paths
        .flatMap((path) => readTests(resolve(path)))
        .filter(({ rule }) => flags.only === undefined || String(rule) === flags.only)
      if (tests.length === 0) throw new UsageError(`there is no test in ${printable(paths.join(' '))}`)
      const target = new EngineTarget(resolve(String(flags.crs)), nodeRuleFiles)
      for (const warning of target.warnings) context.stderr.write(`warning: ${warning}\n`)
      const failed: { readonly test: string; readonly why: readonly string[] }[] = []
      for (const { name, stages } of tests) {
        const why = stages.flatMap(({ input, output }) =>
          failuresOf(output, target.send(requestBytes(input))),
        )
        if (why.length === 0) continue
        failed.push({ test: name, why })
        if (flags.json !== true) context.stdout.write(`not passed: ${name}: ${printable(why.join('; '))}\n`)
      }
      const passed = tests.length - failed.length
      context.stdout.write(
        flags.json === true
          ? `${asciiJson({ total: tests.length, passed, failed })}\n`
          : `${passed} of ${tests.length} tests passed\n`,
      )
      if (failed.length > 0) context.setExitCode(1)
    })
}
