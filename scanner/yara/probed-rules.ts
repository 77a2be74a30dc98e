import type { CompiledRules, RuleMatch, YaraEngine } from './engine.js'
import { patternLiterals } from './pattern-literals.js'
import { requiredPatterns } from './required-patterns.js'
import { sourceOf, unreported, withReferences, type Form, type PlacedRule } from './rule-text.js'
import type { SourcePattern } from './rule-source.js'

/**
 * A content seldom holds any of the patterns that thousands of rules need. So rules are divided into groups, and a probe tells
 * of each group whether any of the patterns is there that its rules cannot do without; only then its rules are asked at all.
 * The search for these patterns alone is much faster than the search for all, and the conditions of rules that could not hold
 * are not even loaded into the processor's caches.
 */

/** Fewer rules are faster asked without probes. */
const FEWEST_RULES = 128
const GROUP_SIZE = 64
/** Rules whose patterns are found by chance are always asked. */
const LEAST_STRENGTH = 3

/**
 * @param some the rules to ask
 * @param rules all that there are, for what `some` refer to
 * @throws when they do not compile
 */
export function compileRules(
  some: readonly PlacedRule[],
  rules: readonly PlacedRule[],
  engine: YaraEngine,
): CompiledRules {
  const compile = (members: readonly PlacedRule[]): CompiledRules =>
    engine.compile(sourceOf(withReferences(members, rules), engine))
  if (some.length < FEWEST_RULES) return compile(some)
  const { always, groups } = divide(some)
  const prefix = unusedPrefix(rules)
  const front = [
    sourceOf(withReferences(always, rules), engine),
    ...groups.map((group, index) => probeOf(`${prefix}${index}`, group, engine)),
  ]
  return new ProbedRules(
    engine.compile(front.join('\n')),
    new Map(groups.map((group, index) => [`${prefix}${index}`, compile(group.map(({ rule }) => rule))])),
  )
}

class ProbedRules implements CompiledRules {
  constructor(
    /** Probes, and the rules that are always asked. */
    readonly front: CompiledRules,
    /** By the name of their probe. */
    readonly groups: ReadonlyMap<string, CompiledRules>,
  ) {}

  scan(content: Buffer): readonly RuleMatch[] {
    const matches = this.front.scan(content)
    return matches.length === 0
      ? matches
      : matches.flatMap((match) => this.groups.get(match.rule)?.scan(content) ?? [match])
  }
}

interface ProbedRule {
  readonly rule: PlacedRule
  readonly required: readonly SourcePattern[]
  readonly strength: number
}

/** Rules of about the same strength are in one group: those that are asked often for nothing then do not bring in others. */
function divide(rules: readonly PlacedRule[]): {
  always: readonly PlacedRule[]
  groups: readonly (readonly ProbedRule[])[]
} {
  const always: PlacedRule[] = []
  const probed: ProbedRule[] = []
  for (const rule of rules) {
    const required = requiredPatterns(rule.condition, rule.patterns)
    if (!required || required.strength < LEAST_STRENGTH) always.push(rule)
    else
      probed.push({
        rule,
        required: rule.patterns.filter(({ name }) => required.names.includes(name)),
        strength: required.strength,
      })
  }
  probed.sort((a, b) => a.strength - b.strength)
  const groups: ProbedRule[][] = []
  for (let at = 0; at < probed.length; at += GROUP_SIZE) groups.push(probed.slice(at, at + GROUP_SIZE))
  return { always, groups }
}

/**
 * A rule that a content meets in which one of the patterns is found that a group needs, or a part that none of them can do
 * without: all such parts are one pattern, which takes one look at each content that holds none of them.
 */
function probeOf(name: string, group: readonly ProbedRule[], { prunesTooMuch }: Form): string {
  const literals = new Set<string>()
  const others = new Map<string, string>()
  for (const pattern of group.flatMap(({ required }) => required)) {
    const parts = patternLiterals(pattern.text)
    for (const part of parts ?? []) literals.add(part.toString('hex'))
    if (!parts) others.set(pattern.text, `${pattern.text}${unreported(pattern)}`)
  }
  const texts = [...others.values()]
  if (literals.size > 0) texts.push(`{ ${alternatives([...literals].map(spaced))} }`)
  const lines = texts.map((text, index) => `$p${index} = ${text}`)
  const any = texts.map((_, index) => `$p${index}`).join(' or ')
  return `rule ${name} { strings:\n${lines.join('\n')}\ncondition: ${any}${prunesTooMuch ? ' or filesize < 0' : ''}\n}`
}

const spaced = (hex: string): string => hex.replace(/..(?!$)/g, '$& ')

const alternatives = (texts: readonly string[]): string =>
  texts.length === 1 ? texts.join('') : `( ${texts.join(' | ')} )`

/** What no rule's name begins with. */
function unusedPrefix(rules: readonly PlacedRule[]): string {
  let prefix = 'probe_'
  while (rules.some(({ name }) => name.startsWith(prefix))) prefix += '_'
  return prefix
}
