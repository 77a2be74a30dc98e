import { resolve } from 'node:path'
import type { Command } from 'commander'

import { DetectorError } from '../../detectors/errors.js'
import { parsePhaseNames } from '../../detectors/modes.js'
import { compileSiteRules } from '../../detectors/pipeline.js'
import type { RuleDescription } from '../../detectors/rule-description.js'
import { describeRule } from '../../detectors/rule-description.js'
import { severityName } from '../../detectors/seclang/index.js'
import type { RuleInfo, RuleSet } from '../../detectors/seclang/index.js'
import { productPhase } from '../../detectors/verdict-rule.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { messageOf } from '../../runtime/errors.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { collect, names } from '../flags.js'
import { asciiJson, printable, printableRule } from '../printable.js'
import { shortPath } from '../short-path.js'
import { registerRulesCheck } from './rules-check.js'
import { registerRulesTest } from './rules-test.js'
import { registerRulesUpdate } from './rules-update.js'

/** No rule of that id is loaded. */
class RuleNotFound extends Error {
  override readonly name = 'RuleNotFound'
  readonly code = 'RULE_NOT_FOUND'
}

/** `portcullis rules check|list|explain|test|update|rollback` */
export const registerRules = (program: Command, context: CliContext): void => {
  const rules = program.command('rules').description('check, list, explain, test and update detection rules')
  registerRulesCheck(rules, context)

  withRules(rules.command('list'))
    .description('list the rules that the gateway would run')
    .option('--json', 'one JSON object a line')
    .action((flags: Flags) => {
      for (const rule of ordered(loadRules(flags, context)))
        context.stdout.write(flags.json === true ? `${asciiJson(listed(rule))}\n` : listLine(rule))
    })

  withRules(rules.command('explain'))
    .description('say what a rule judges, what it does, where it stands and how it is excluded')
    .argument('<id>', 'id of the rule')
    .option('--json', 'one JSON object')
    .action((id: string, flags: Flags) => {
      if (!/^\d{1,10}$/.test(id))
        throw new UsageError(`${printable(id.slice(0, 64))} is not the id of a rule`)
      const rule = loadRules(flags, context).rules.get(Number(id))
      if (rule === undefined)
        throw new RuleNotFound(`no rule ${id} is loaded; \`portcullis rules list\` lists all`)
      const description = describeRule(rule, nodeRuleFiles)
      context.stdout.write(
        flags.json === true
          ? `${asciiJson({ ...listed(rule), ...snake(description) })}\n`
          : explanation(description),
      )
    })

  registerRulesTest(rules, context)
  registerRulesUpdate(rules, context)
}

const withRules = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration file (YAML)')
    .option('--phases <names>', 'rules of these phases only, separated by commas', names)
    .option('--rules <file>', 'SecLang rules, as the gateway takes them (repeatable)', collect)
    .option('--crs <dir>', 'folder of a Core Rule Set release')

/** The rules as a gateway with the same flags compiles them. Warnings go to standard error. */
const loadRules = (flags: Flags, context: CliContext): RuleSet => {
  const { config } = context.loadConfig(flags)
  return compileSiteRules(config.detection, {
    files: nodeRuleFiles,
    warn: (message) => context.stderr.write(`warning: ${message}\n`),
    ...(Array.isArray(flags.phases) && { only: phasesOf(flags.phases.map(String)) }),
  })
}

const phasesOf = (given: readonly string[]): ReturnType<typeof parsePhaseNames> => {
  try {
    return parsePhaseNames(given)
  } catch (error) {
    if (error instanceof DetectorError)
      throw new UsageError(`--phases: ${messageOf(error)}`, { cause: error })
    throw error
  }
}

const ordered = ({ rules }: RuleSet): readonly RuleInfo[] => [...rules.values()].sort((a, b) => a.id - b.id)

const fileOf = ({ file }: Pick<RuleInfo, 'file'>): string =>
  file.startsWith('(') ? file : shortPath(resolve(file))

/** Base settings are under no phase: what they refuse is a matter of the request itself. */
const phaseOf = ({ id, phase }: Pick<RuleInfo, 'id' | 'phase'>): string => productPhase(id, phase)

const severityOf = ({ severity }: RuleInfo): string | null =>
  severity === undefined ? null : severityName(severity)

const listed = (rule: RuleInfo): Record<string, unknown> => ({
  id: rule.id,
  phase: phaseOf(rule),
  seclang_phase: rule.seclangPhase,
  severity: severityOf(rule),
  msg: rule.msg,
  file: fileOf(rule),
  line: rule.line,
  tags: rule.tags,
})

const listLine = (rule: RuleInfo): string =>
  `${String(rule.id).padEnd(8)} ${phaseOf(rule).padEnd(14)} ${rule.seclangPhase} ${(severityOf(rule) ?? '-').padEnd(9)} ` +
  `${printableRule(rule.msg === '' ? '-' : rule.msg)}  ${fileOf(rule)}:${rule.line}\n`

const snake = ({ role, links, text, exclusions }: RuleDescription): Record<string, unknown> => ({
  role,
  links,
  text,
  exclusions,
})

const ROLES: Readonly<Record<RuleDescription['role'], string>> = {
  judges: 'judges requests or responses',
  adds_up: 'adds up what other rules found: never exclude it, its whole rule set would refuse nothing',
  sets_up: 'sets things up for other rules',
}

const explanation = (rule: RuleDescription): string => {
  const rows: string[] = [
    `rule ${rule.id}: ${rule.msg === '' ? '(no message)' : printableRule(rule.msg)}`,
    `  phase       ${phaseOf(rule)}, seclang phase ${rule.seclangPhase}${rule.severity === undefined ? '' : `, ${rule.severity}`}`,
    `  stands at   ${fileOf(rule)}:${rule.line}`,
    `  it          ${ROLES[rule.role]}`,
  ]
  for (const [index, link] of rule.links.entries()) {
    if (rule.links.length > 1) rows.push(`  link ${index + 1} of ${rule.links.length}`)
    if (link.variables.length > 0) rows.push(`  looks at    ${printableRule(link.variables.join(', '))}`)
    if (link.operator !== '') rows.push(`  matches     ${printableRule(link.operator)}`)
    if (link.transformations.length > 0) rows.push(`  after       ${link.transformations.join(', ')}`)
    if (link.actions.length > 0) rows.push(`  does        ${printableRule(link.actions.join(', '))}`)
  }
  if (rule.tags.length > 0) rows.push(`  tags        ${printableRule(rule.tags.join(', '))}`)
  if (rule.exclusions.length > 0)
    rows.push(
      '  to exclude it, narrowest first, in a file of detection.exclusions:',
      ...rule.exclusions.map((line) => `    ${line}`),
    )
  if (rule.text !== '')
    rows.push(
      '  as written:',
      ...rule.text.split('\n').map((line) => `    ${printableRule(line.replaceAll('\t', '  '))}`),
    )
  return `${rows.join('\n')}\n`
}
