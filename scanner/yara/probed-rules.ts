import type { CompiledRules, RuleMatch, YaraEngine } from './engine.js'
import { patternLiterals } from './pattern-literals.js'
import { requiredPatterns } from './required-patterns.js'
import { sourceOf, unreported, withReferences, type Form, type PlacedRule } from './rule-text.js'
import type { SourcePattern } from './rule-source.js'

/**
 * A small content seldom holds any of the patterns that thousands of rules need. A probe tells whether any is there that they
 * cannot do without; only then they are asked at all. The conditions of thousands of rules are more code than a processor's
 * caches hold, and to go through it takes longer than to search a small content.
 */

/** Fewer rules are faster asked without a probe. */
const FEWEST_RULES = 128
/** Bytes from which on the search takes longer than the conditions, and finds something more often. */
const LARGE = 128 * 1024
/** Rules whose patterns are found by chance are always asked. */
const LEAST_STRENGTH = 3
/** Literals that are one pattern of the probe. */
const LITERALS = 256

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
  const all = engine.compile(sourceOf(withReferences(some, rules), engine))
  if (some.length < FEWEST_RULES) return all
  const { always, required } = divide(some)
  if (required.length === 0) return all
  const probe = unusedName(rules)
  const front = `${sourceOf(withReferences(always, rules), engine)}\n${probeOf(probe, required, engine)}`
  return new ProbedRules(all, engine.compile(front), probe)
}

class ProbedRules implements CompiledRules {
  constructor(
    readonly all: CompiledRules,
    /** The probe, and the rules that are always asked. */
    readonly front: CompiledRules,
    readonly probe: string,
  ) {}

  scan(content: Buffer): readonly RuleMatch[] {
    if (content.length >= LARGE) return this.all.scan(content)
    const matches = this.front.scan(content)
    return matches.some(({ rule }) => rule === this.probe) ? this.all.scan(content) : matches
  }
}

function divide(rules: readonly PlacedRule[]): {
  always: readonly PlacedRule[]
  /** What the others need. */
  required: readonly SourcePattern[]
} {
  const always: PlacedRule[] = []
  const required: SourcePattern[] = []
  for (const rule of rules) {
    const needed = requiredPatterns(rule.condition, rule.patterns)
    if (!needed || needed.strength < LEAST_STRENGTH) always.push(rule)
    else required.push(...rule.patterns.filter(({ name }) => needed.names.includes(name)))
  }
  return { always, required }
}

/**
 * A rule that every content meets in which one of the patterns is found. Where a pattern has a part that it cannot do without,
 * that part is looked for: hundreds of parts are one pattern, which takes one look at a content that holds none of them.
 */
function probeOf(name: string, required: readonly SourcePattern[], { prunesTooMuch }: Form): string {
  const literals = new Set<string>()
  const texts = new Set<string>()
  for (const pattern of required) {
    const parts = patternLiterals(pattern.text)
    for (const part of parts ?? []) literals.add(part.toString('hex').replace(/..(?!$)/g, '$& '))
    if (!parts) texts.add(`${pattern.text}${unreported(pattern)}`)
  }
  const spelled = [...literals]
  for (let at = 0; at < spelled.length; at += LITERALS) {
    const some = spelled.slice(at, at + LITERALS)
    texts.add(some.length === 1 ? `{ ${some.join('')} }` : `{ ( ${some.join(' | ')} ) }`)
  }
  const strings = [...texts].map((text, index) => `$p${index} = ${text}`)
  const any = strings.map((_, index) => `$p${index}`).join(' or ')
  return `rule ${name} { strings:\n${strings.join('\n')}\ncondition: ${any}${prunesTooMuch ? ' or filesize < 0' : ''}\n}`
}

/** What no rule is called. */
function unusedName(rules: readonly PlacedRule[]): string {
  const names = new Set(rules.map(({ name }) => name))
  let name = 'probe_0'
  while (names.has(name)) name += '_'
  return name
}
