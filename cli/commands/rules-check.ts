import { resolve } from 'node:path'
import type { Command } from 'commander'

import { coreRuleSetSources } from '../../detectors/core-rule-set.js'
import { detectionConfig } from '../../detectors/config.js'
import type { CheckedPattern, CheckFinding } from '../../detectors/rule-check.js'
import { checkRuleFiles } from '../../detectors/rule-check.js'
import { packDirectory } from '../../detectors/rule-sources.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { asciiJson, printable, printableRule } from '../printable.js'

/** `portcullis rules check` */
export const registerRulesCheck = (rules: Command, context: CliContext): void => {
  rules
    .command('check')
    .description('parse and compile rule files, and say everything that is wrong or surely a mistake')
    .argument('<file...>', 'SecLang files, checked together')
    .option('--crs <dir>', 'a Core Rule Set whose rules the files may name')
    .option('--strict', 'exit 1 for warnings too')
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', '\nExit status: 0 usable, 1 an error (with --strict: or a warning).')
    .action((patterns: readonly string[], flags: Flags) => {
      const paths = patterns.flatMap((pattern) => nodeRuleFiles.expand(resolve(pattern)))
      if (paths.length === 0) throw new UsageError(`no file matches ${printable(patterns.join(' '))}`)
      const report = checkRuleFiles(paths, { files: nodeRuleFiles, known: knownFiles(flags) })
      const errors = report.findings.filter(({ severity }) => severity === 'error').length
      const warnings = report.findings.length - errors
      if (errors > 0 || (flags.strict === true && warnings > 0)) context.setExitCode(1)
      if (flags.json === true) {
        context.stdout.write(`${asciiJson({ errors, warnings, ...report })}\n`)
        return
      }
      for (const finding of report.findings) context.stdout.write(findingLine(finding))
      for (const pattern of report.patterns) context.stdout.write(patternLine(pattern))
      const bounded = report.patterns.filter((pattern) => pattern.class === 'bounded').length
      context.stdout.write(
        `${paths.length} file${paths.length === 1 ? '' : 's'}, ${report.rules} rules, ${report.patterns.length} patterns ` +
          `(${bounded} bounded): ${errors} errors, ${warnings} warnings\n`,
      )
    })
}

/** Our own packs, and a Core Rule Set when one is given: exclusions name their rules. */
const knownFiles = (flags: Flags): readonly string[] => {
  const own = nodeRuleFiles.expand(`${packDirectory()}*.conf`)
  if (typeof flags.crs !== 'string') return own
  const { phases } = detectionConfig.parse({ phases: { owasp_crs: { dir: resolve(flags.crs) } } })
  const crs = coreRuleSetSources(phases.owasp_crs, nodeRuleFiles).filter(({ text }) => text === undefined)
  return [...own, ...crs.map(({ file }) => file)]
}

const findingLine = ({ severity, code, file, line, message }: CheckFinding): string =>
  `${file}${line === undefined ? '' : `:${line}`}: ${severity}: ${code}: ${printableRule(message)}\n`

const CLASSES: Readonly<Record<CheckedPattern['class'], string>> = {
  linear: 'linear: time grows with the value, whatever it is',
  bounded: 'bounded',
  dynamic: 'dynamic: holds macros, classed when a request fills them in',
  refused: 'refused: its time cannot be limited, or it is no pattern',
}

const patternLine = ({ file, line, id, operator, class: name, bound }: CheckedPattern): string =>
  `${file}:${line}: ${id === 0 ? 'a link' : `rule ${id}`}: @${operator} pattern is ` +
  `${name === 'bounded' ? `bounded: backtracks, and sees the first ${bound ?? 0} bytes of a value` : CLASSES[name]}\n`
