import type { Assignment } from '../assignment.js'
import { GROUP_KEYS } from '../groups.js'
import type { CompiledRule, CompiledTarget, KeyPattern, RuleLink } from '../rule.js'
import { constantPrefix, isAssignment } from './known-variables.js'

/** Selectors of one plan: they are bits of a number. */
const MAX_SELECTORS = 31

/**
 * Selectors that look for variables of `TX` by a pattern, and the links that write what they look for: where none of these has matched, a selector finds nothing. Rule
 * sets count their findings so, and in most transactions there are none.
 */
export class Selectors {
  readonly #patterns: readonly KeyPattern[]
  readonly #fed = new Map<RuleLink, number>()
  /** Those that find groups of captures. */
  readonly groups: number

  constructor(rules: readonly CompiledRule[]) {
    const links = rules.flatMap((rule) => rule.links)
    const patterns = links.flatMap(({ targets }) => targets.flatMap((target) => patternOf(target) ?? []))
    this.#patterns = [...new Set(patterns)].slice(0, MAX_SELECTORS)
    this.groups = GROUP_KEYS.reduce((bits, key) => bits | this.finding(key), 0)
    for (const link of links) {
      let bits = 0
      for (const { changes } of link.effects) if (isAssignment(changes)) bits |= this.#findingWhat(changes)
      if (bits !== 0) this.#fed.set(link, bits)
    }
  }

  /** Those that the targets of a link are; 0 when one is something else. */
  of({ targets }: RuleLink): number {
    let bits = 0
    for (const target of targets) {
      const pattern = patternOf(target)
      const at = pattern === undefined ? -1 : this.#patterns.indexOf(pattern)
      if (at < 0) return 0
      bits |= 1 << at
    }
    return bits
  }

  /** Those that find a variable. */
  finding(key: string): number {
    return this.#those(({ matches }) => matches(key))
  }

  /** Those that may find what a link writes besides groups. */
  fedBy(link: RuleLink): number {
    return this.#fed.get(link) ?? 0
  }

  /** Whether nothing but one link writes what these find. */
  onlyFedBy(link: RuleLink, bits: number): boolean {
    if ((this.groups & bits) !== 0) return false
    return [...this.#fed].every(([other, fed]) => other === link || (fed & bits) === 0)
  }

  #findingWhat({ key }: Assignment): number {
    if (key.constant) return this.finding(key.text)
    const begins = constantPrefix(key)
    return this.#those(({ prefix }) => prefix.startsWith(begins) || begins.startsWith(prefix))
  }

  #those(chosen: (pattern: KeyPattern) => boolean): number {
    return this.#patterns.reduce((bits, pattern, at) => (chosen(pattern) ? bits | (1 << at) : bits), 0)
  }
}

function patternOf({ collection, count, pattern }: CompiledTarget): KeyPattern | undefined {
  return collection === 'TX' && !count ? pattern : undefined
}
