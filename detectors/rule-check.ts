import type { RuleFiles } from './ports.js'
import { guardedFiles } from './rule-guard.js'
import {
  type DirectiveNode,
  type RuleNode,
  SecLangError,
  type SourcePosition,
  compilePattern,
  compileRuleSet,
  parseFile,
} from './seclang/index.js'
import { unreachableRules } from './rule-reach.js'
import { unknownReferences } from './rule-references.js'

export interface CheckFinding {
  readonly severity: 'error' | 'warning'
  /** `SECLANG_…` of an error, a word of our own of a warning. */
  readonly code: string
  readonly file: string
  /** Missing where a whole file is meant. */
  readonly line?: number
  readonly message: string
}

/** What limits the time of one pattern, or why nothing is known of it while rules are loaded. */
export interface CheckedPattern {
  readonly file: string
  readonly line: number
  /** 0 for a later link of a chain, or a rule without one. */
  readonly id: number
  readonly operator: string
  readonly class: 'linear' | 'bounded' | 'dynamic' | 'refused'
  /** Bytes of a value that it sees; only when `bounded`. */
  readonly bound?: number
  readonly pattern: string
}

export interface CheckReport {
  readonly findings: readonly CheckFinding[]
  readonly patterns: readonly CheckedPattern[]
  readonly rules: number
}

export interface CheckOptions {
  readonly files: RuleFiles
  /** Files whose rules the checked ones may speak of: our packs, a Core Rule Set. They are not checked. */
  readonly known?: readonly string[]
}

/**
 * Parses and compiles rule files as one set and tells everything that is wrong or surely a mistake: errors of the language, ids that
 * are there twice, rules that nothing can reach, tags and ids that no rule carries, exclusion of rules that only add up, and the
 * class of each pattern. Throws nothing for what a rule file says.
 */
export function checkRuleFiles(paths: readonly string[], options: CheckOptions): CheckReport {
  const findings: CheckFinding[] = []
  const warnAt = (code: string, message: string, { file, line }: SourcePosition): void => {
    findings.push({ severity: 'warning', code, file, line, message })
  }
  const files = guardedFiles(options.files, (message) => {
    const [, file = '', text = message] = /^(.*?): (excludes .*)$/s.exec(message) ?? []
    findings.push({ severity: 'warning', code: 'EVALUATION_EXCLUDED', file, message: text })
  })
  const rules = compileRuleSet(
    paths.map((file) => ({ file, label: 'custom_rules' })),
    {
      files,
      modes: new Map(),
      siteMode: 'block',
      warn: (message, position) => warnAt('NO_EFFECT', message, position),
      onError: (error) => findings.push(errorFinding(error)),
    },
  )
  const nodes = paths.map((path) => readable(path, options.files))
  for (const { message, position } of unreachableRules(nodes.flat())) warnAt('UNREACHABLE', message, position)
  const known = (options.known ?? []).flatMap((path) => readable(path, options.files))
  for (const { message, position } of unknownReferences(nodes.flat(), known)) {
    warnAt('UNKNOWN_REFERENCE', message, position)
  }
  const ruleNodes = nodes.flat().filter((node) => node.kind === 'rule')
  return { findings: unique(findings), patterns: checkedPatterns(ruleNodes), rules: rules.size }
}

function errorFinding(error: SecLangError): CheckFinding {
  const { code, position } = error
  const prefix = `${position.file}:${position.line}: `
  const message = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message
  return { severity: 'error', code, file: position.file, line: position.line, message }
}

/** The directives of a file up to the first that cannot be read; that one is reported where rules are compiled. */
function readable(path: string, files: RuleFiles): readonly DirectiveNode[] {
  const nodes: DirectiveNode[] = []
  try {
    for (const node of parseFile(path, files, () => undefined)) nodes.push(node)
  } catch (error) {
    if (!(error instanceof SecLangError)) throw error
  }
  return nodes
}

const PATTERN_OPERATORS = new Set(['rx', 'rxglobal'])

function checkedPatterns(nodes: readonly RuleNode[]): readonly CheckedPattern[] {
  const patterns: CheckedPattern[] = []
  for (const { operator, position, actions } of nodes) {
    if (operator === undefined || !PATTERN_OPERATORS.has(operator.name.toLowerCase())) continue
    const id = Number(actions.find(({ name }) => name === 'id')?.argument ?? 0)
    const about = {
      ...position,
      id: Number.isSafeInteger(id) ? id : 0,
      operator: operator.name,
      pattern: operator.argument,
    }
    patterns.push({ ...about, ...classOf(operator.argument, position) })
  }
  return patterns
}

function classOf(pattern: string, position: SourcePosition): Pick<CheckedPattern, 'class' | 'bound'> {
  // Compiled when a request fills it in; one that cannot be limited then is not run and named on the verdict.
  if (pattern.includes('%{')) return { class: 'dynamic' }
  try {
    const { classification, bound } = compilePattern(pattern, position)
    return bound === undefined ? { class: classification } : { class: classification, bound }
  } catch (error) {
    if (error instanceof SecLangError) return { class: 'refused' }
    throw error
  }
}

function unique(findings: readonly CheckFinding[]): readonly CheckFinding[] {
  const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  return [...seen.values()]
}
