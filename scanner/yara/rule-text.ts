import type { YaraEngine } from './engine.js'
import { requiredPatterns } from './required-patterns.js'
import type { RuleFile } from './rule-files.js'
import type { ParsedSource, SourcePattern, SourceRule } from './rule-source.js'

export interface LoadedFile extends RuleFile, ParsedSource {}

/** A rule with the file that it is in. */
export interface PlacedRule extends SourceRule {
  readonly file: LoadedFile
}

/** For whom a source is put. */
export type Form = Pick<YaraEngine, 'prunesTooMuch'>

/**
 * Some of the rules, with those that their conditions name and with global rules, which decide about all, in an order in which
 * they compile.
 */
export function withReferences(
  some: readonly PlacedRule[],
  rules: readonly PlacedRule[],
): readonly PlacedRule[] {
  const byName = new Map(rules.map((rule) => [rule.name, rule]))
  const members = new Set([...some, ...rules.filter(({ isGlobal }) => isGlobal)])
  // A set goes through what is added to it on the way.
  for (const { condition } of members)
    for (const token of condition) {
      const named = byName.get(token)
      if (named) members.add(named)
    }
  return rules.filter((rule) => members.has(rule))
}

/**
 * One source of rules alone, without imports that none of them uses: what a module finds out about a content costs, whether it
 * is asked for or not.
 */
export function sourceOf(rules: readonly PlacedRule[], form: Form): string {
  const imports = [...modulesOf(rules)].map((module) => `import "${module}"`)
  return [...imports, ...rules.map((rule) => textOf(rule, form))].join('\n')
}

/** Modules that the files of these rules import and that they use. */
export function modulesOf(rules: Iterable<PlacedRule>): ReadonlySet<string> {
  const imported = new Set<string>()
  const named = new Set<string>()
  for (const { file, condition } of rules) {
    for (const { module } of file.imports) imported.add(module)
    for (const token of condition) named.add(token.split('.', 1)[0] ?? token)
  }
  return new Set([...imported].filter((module) => named.has(module)))
}

function textOf(rule: PlacedRule, { prunesTooMuch }: Form): string {
  const { text } = rule.file
  const parts: string[] = []
  let at = rule.start
  const insert = (offset: number, put: string): void => {
    parts.push(text.slice(at, offset), put)
    at = offset
  }
  for (const pattern of rule.patterns) insert(pattern.end, unreported(pattern))
  const required = requiredPatterns(rule.condition, rule.patterns)
  insert(rule.conditionStart, required ? `(${required.names.join(' or ')}) and (` : '(')
  insert(rule.end - 1, prunesTooMuch ? '\n) or filesize < 0' : '\n)')
  parts.push(text.slice(at, rule.end))
  return parts.join('')
}

/** What makes an engine keep the places of a pattern to itself: nobody asks for them, and there may be thousands. */
export const unreported = ({ text }: SourcePattern): string =>
  text.startsWith('"') && !/\bprivate\b/.test(text) ? ' private' : ''
