import type { RuleFiles } from './ports.js'
import {
  type RuleInfo,
  type RuleNode,
  SecLangError,
  describeVariable,
  parseFile,
  severityName,
} from './seclang/index.js'
import { isEvaluationId, isSetupId } from './verdict-rule.js'

/** One link of a rule, as written. */
export interface LinkDescription {
  readonly line: number
  readonly variables: readonly string[]
  readonly operator: string
  readonly transformations: readonly string[]
  /** Everything else that it does, e.g. `setvar:tx.score=+5`. */
  readonly actions: readonly string[]
}

/** All that is known of a rule without a request. */
export interface RuleDescription extends Omit<RuleInfo, 'variables' | 'operator' | 'severity'> {
  readonly severity: string | undefined
  /** `judges`, `adds_up` (without it a whole rule set refuses nothing) or `sets_up`. */
  readonly role: 'judges' | 'adds_up' | 'sets_up'
  readonly links: readonly LinkDescription[]
  /** The rule as it stands in its file; empty for one that the configuration made. */
  readonly text: string
  /** What takes it out, narrowest first; empty where that would be a mistake. */
  readonly exclusions: readonly string[]
}

/** Describes a rule for people: what it looks at, what it does, where it stands, how it is excluded. */
export function describeRule(rule: RuleInfo, files: RuleFiles): RuleDescription {
  const nodes = rule.file.startsWith('(') ? [] : linksOf(rule, files)
  const role = isEvaluationId(rule.id) ? 'adds_up' : isSetupId(rule.id) ? 'sets_up' : 'judges'
  const { variables, operator, severity, ...rest } = rule
  return {
    ...rest,
    severity: severity === undefined ? undefined : severityName(severity),
    role,
    links: nodes.map((node, index) => ({
      line: node.position.line,
      variables: index === 0 ? variables : node.variables.map(describeVariable),
      operator: operatorText(node) ?? (index === 0 ? operator : ''),
      transformations: node.actions.flatMap(({ name, argument }) =>
        name === 't' && argument !== undefined && argument.toLowerCase() !== 'none' ? [argument] : [],
      ),
      actions: node.actions
        .filter(({ name }) => !SAID_ELSEWHERE.has(name))
        .map(({ name, argument }) => (argument === undefined ? name : `${name}:${argument}`)),
    })),
    text: nodes.length === 0 ? '' : sourceText(files.read(rule.file), nodes),
    exclusions: role === 'judges' ? exclusions(rule) : [],
  }
}

const SAID_ELSEWHERE = new Set(['id', 'phase', 'msg', 'tag', 'severity', 't', 'ver', 'rev', 'chain'])

function exclusions({ id, variables }: RuleInfo): readonly string[] {
  const collection = ['ARGS', 'REQUEST_COOKIES', 'REQUEST_HEADERS'].find((name) =>
    variables.some((variable) => variable === name || variable.startsWith(`${name}:`)),
  )
  const target = collection === undefined ? [] : [`SecRuleUpdateTargetById ${id} "!${collection}:NAME"`]
  return [...target, `SecRuleRemoveById ${id}`]
}

function linksOf(rule: RuleInfo, files: RuleFiles): readonly RuleNode[] {
  const links: RuleNode[] = []
  try {
    for (const node of parseFile(rule.file, files, () => undefined)) {
      const first = node.position.file === rule.file && node.position.line === rule.line
      if (links.length === 0 && !first) continue
      if (node.kind !== 'rule') break
      links.push(node)
      if (!node.actions.some(({ name }) => name === 'chain')) break
    }
  } catch (error) {
    // A file that changed since it was loaded: what is known of the rule still stands.
    if (!(error instanceof SecLangError)) throw error
  }
  return links
}

function operatorText({ operator }: RuleNode): string | undefined {
  if (operator === undefined) return undefined
  return `${operator.negated ? '!' : ''}@${operator.name} ${operator.argument}`.trimEnd()
}

/** From the first line of the first link to the end of the last one, continued lines included. */
function sourceText(text: string, links: readonly RuleNode[]): string {
  const lines = text.split('\n')
  const from = (links[0]?.position.line ?? 1) - 1
  let to = (links.at(-1)?.position.line ?? 1) - 1
  while (/\\\r?$/.test(lines[to] ?? '')) to++
  return lines.slice(from, to + 1).join('\n')
}
