import type { SourcePattern } from './rule-source.js'
import { patternStrength } from './pattern-strength.js'
import { alternatives, closingOf, conjuncts, insideParentheses, type Tokens } from './condition.js'

/**
 * Nearly every rule needs one of a few patterns, and nearly every content holds none of them. An engine that is asked for
 * these first leaves the rest of the condition alone: with thousands of rules, loops over their patterns, counts and reads at
 * offsets take far longer than the search itself. This reads from a condition what it needs; where it is not sure, it says
 * "nothing", so that nothing that could match is left out.
 */

/** More alternatives cost as much as the condition that they would spare. */
const MOST = 64

/** Patterns of which at least one is found in every content that meets a condition. */
export interface RequiredPatterns {
  readonly names: readonly string[]
  /** Of the weakest of them, see {@link patternStrength}. */
  readonly strength: number
}

/**
 * Of all that a condition needs, the patterns that are found least often; undefined when there are none to ask for.
 * @param condition tokens of a rule's condition
 * @param patterns of the rule
 */
export function requiredPatterns(
  condition: Tokens,
  patterns: readonly SourcePattern[],
): RequiredPatterns | undefined {
  const strengths = new Map(patterns.map(({ name, text }) => [name, patternStrength(text)]))
  const strongest = patterns
    .map(({ name }) => name)
    .sort((a, b) => strengthOf(b, strengths) - strengthOf(a, strengths))
  const required = ofAlternatives(condition, { strengths, strongest })
  if (!required || required.size > MOST) return undefined
  const names = [...required]
  return { names, strength: Math.min(...names.map((name) => strengthOf(name, strengths))) }
}

type Required = ReadonlySet<string> | undefined

interface Known {
  readonly strengths: ReadonlyMap<string, number>
  /** All patterns of the rule, the strongest first. */
  readonly strongest: readonly string[]
}

/** An anonymous pattern cannot be asked for, and one that the rule does not have is an error of its own. */
const strengthOf = (name: string, strengths: Known['strengths']): number =>
  name === '$' ? 0 : (strengths.get(name) ?? 0)

/** How often some of these are found: each byte more makes a pattern rarer by far. */
const frequency = (names: Iterable<string>, { strengths }: Known): number =>
  [...names].reduce((sum, name) => sum + 8 ** -strengthOf(name, strengths), 0)

/** `a or b`: what one or the other needs. */
function ofAlternatives(tokens: Tokens, known: Known): Required {
  const union = new Set<string>()
  for (const part of alternatives(tokens)) {
    const required = ofConjunction(part, known)
    if (!required) return undefined
    for (const pattern of required) union.add(pattern)
  }
  return union
}

/** `a and b`: both need theirs, and one is enough to ask for. */
function ofConjunction(tokens: Tokens, known: Known): Required {
  let rarest: Required
  for (const part of conjuncts(tokens)) {
    const required = ofTerm(part, known)
    if (required && (!rarest || frequency(required, known) < frequency(rarest, known))) rarest = required
  }
  return rarest
}

function ofTerm(tokens: Tokens, known: Known): Required {
  const inner = insideParentheses(tokens)
  if (inner) return ofAlternatives(inner, known)
  const [first = '', second = ''] = tokens
  // `$a at 0` needs no search of the whole content, and `$a` alone would make the engine begin one.
  if (/^\$\w+$/.test(first)) return isUnplaced(tokens.slice(1)) ? new Set([first]) : undefined
  if (/^#\w+$/.test(first)) return ofCount(first, tokens.slice(1))
  return second === 'of' ? ofQuantity(first, tokens.slice(2), known) : undefined
}

/** Whether what follows a pattern, or a set of them, is nothing or a range. */
const isUnplaced = (tokens: Tokens): boolean =>
  tokens.length === 0 || (tokens[0] === 'in' && closingOf(tokens, 1) === tokens.length - 1)

/** `#a > 2` and its like. */
function ofCount(count: string, tokens: Tokens): Required {
  const match = /^(>|> =|==) (\d+)$/.exec(tokens.join(' '))
  if (!match) return undefined
  const least = Number(match[2]) + (match[1] === '>' ? 1 : 0)
  return least > 0 ? new Set([`$${count.slice(1)}`]) : undefined
}

/** `2 of ($a*)` and its like: of three patterns, two are found or one of any two is. */
function ofQuantity(quantity: string, tokens: Tokens, known: Known): Required {
  const close = tokens[0] === 'them' ? 0 : closingOf(tokens, 0)
  if (close < 0 || !isUnplaced(tokens.slice(close + 1))) return undefined
  const set = tokens[0] === 'them' ? known.strongest : namedPatterns(tokens.slice(1, close), known.strongest)
  if (!set) return undefined
  const count =
    quantity === 'any' ? 1 : quantity === 'all' ? set.length : /^\d+$/.test(quantity) ? Number(quantity) : 0
  if (count < 1 || count > set.length) return undefined
  const enough = set.length - count + 1
  const named = set.filter((pattern) => pattern !== '$').slice(0, enough)
  return named.length === enough ? new Set(named) : undefined
}

/** Those of the patterns that a list such as `$a, $b*` names; undefined when it holds something else. */
function namedPatterns(tokens: Tokens, patterns: readonly string[]): readonly string[] | undefined {
  const names = tokens.join('').split(',')
  if (!names.every((name) => /^\$(?:\w+|\w*\*)$/.test(name))) return undefined
  return patterns.filter((pattern) =>
    names.some((name) => (name.endsWith('*') ? pattern.startsWith(name.slice(0, -1)) : pattern === name)),
  )
}
