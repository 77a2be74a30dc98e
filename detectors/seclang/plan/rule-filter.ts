import { type Requirement, byteClass, noRequirement } from '../prefilter/index.js'
import type { CompiledOperator, CompiledTarget, RuleLink } from '../rule.js'
import { changesOf, isOpaque } from '../transformations/changes.js'
import { Answers } from './answers.js'
import { isPure } from './probe.js'
import { Readers } from './readers.js'
import { Sieve } from './sieve.js'
import { type Source, sourcesOf } from './sources.js'

/** Sources of one filter: they are bits of a number. */
const MAX_SOURCES = 31

/** A source and who reads it. */
export interface SourceReaders {
  readonly source: Source
  /** Readers of entries whose key no rule names. */
  readonly readers: Readers
  /** Readers of entries by their key in lower case, where rules select or exclude some; undefined when none does. */
  readonly byKey: ReadonlyMap<string, Readers> | undefined
  /** Lengths of those keys, a bit each (`lengthBit`): most others are told by that, without being put into lower case. */
  readonly lengths: number
}

/** The bit of a length; the highest stands for all from 31 on. */
export function lengthBit(length: number): number {
  return 1 << Math.min(length, 31)
}

/** How a link is asked for: its bit in the sets of candidates, and the sources that its answer depends on. */
export interface Screen {
  readonly filter: RuleFilter
  readonly bit: number
  /** One bit for each source. */
  readonly needs: number
}

/** A link of a filter, by its operator. */
export interface Member {
  readonly operator: CompiledOperator
  /** The same number for operators that are the same; -1 for one of its kind. */
  readonly twin: number
  /** Of a negated operator, the bit of values that it may not match: it surely matches the others. -1 when only judging tells. */
  readonly denial: number
}

/** One target of a link, seen from one of its sources. */
interface Read {
  readonly bit: number
  readonly link: RuleLink
  /** Only entries of this key (lower case); undefined for all. */
  readonly key: string | undefined
  readonly excludedKeys: ReadonlySet<string>
}

/**
 * Says of many links at once which values they can match: what a value is after the transformations is computed once for all that ask for it, and
 * one prefilter tells whose operators it can satisfy. For links that are not here only judging tells.
 */
export class RuleFilter {
  /** Words of a set of rules: 32 bits each. */
  readonly words: number
  /** For values as requests and responses show them. */
  readonly shown: Sieve
  /** For what decoding makes of them: bytes of all classes, no two values alike, and few rules that look at it. */
  readonly decoded: Sieve
  /** By bit. */
  readonly members: readonly Member[]
  /** Kinds of operators that several members have. */
  readonly twins: number
  readonly answers = new Answers()
  readonly sources: readonly SourceReaders[]
  readonly screens: ReadonlyMap<RuleLink, Screen>
  /** Bits of the sources by when they change: between seclang phases, and when a rule changes what is parsed or shown. */
  readonly perPhase: number
  readonly perSwitch: number

  constructor(links: readonly RuleLink[]) {
    const sources: Source[] = []
    const reads: Read[][] = []
    const operators: CompiledOperator[] = []
    const screens = new Map<RuleLink, Screen>()
    const decoding = new Set<number>()
    for (const link of links) {
      const { operator } = link
      const found = link.targets.flatMap((target) =>
        (sourcesOf(target) ?? []).map((source) => ({ source, target })),
      )
      const fresh = new Map(found.map(({ source }) => [source.name, source]))
      for (const { name } of sources) fresh.delete(name)
      if (operator === undefined || sources.length + fresh.size > MAX_SOURCES) continue
      sources.push(...fresh.values())
      const bit = operators.push(operator) - 1
      if (link.transformations.steps.some(({ name }) => isOpaque(changesOf(name)))) decoding.add(bit)
      let needs = 0
      for (const { source, target } of found) {
        const at = sources.findIndex(({ name }) => name === source.name)
        needs |= 1 << at
        ;(reads[at] ??= []).push({ bit, link, key: target.key, excludedKeys: excludedKeys(link, target) })
      }
      screens.set(link, { filter: this, bit, needs })
    }
    const requirements = operators.map(requirementOf)
    const denials = operators.map(({ negated, run: { requires } }, bit) => {
      if (!negated || requires?.literals === undefined) return -1
      const denial = requirements.push(caseless(requires)) - 1
      if (decoding.has(bit)) decoding.add(denial)
      return denial
    })
    this.words = (requirements.length + 31) >>> 5
    this.shown = new Sieve(requirements, new Set(requirements.keys()))
    this.decoded = new Sieve(requirements, decoding)
    const twins = twinsOf(operators)
    this.members = operators.map((operator, bit) => ({
      operator,
      twin: twins.get(named(operator)) ?? -1,
      denial: denials[bit] ?? -1,
    }))
    this.twins = twins.size
    this.screens = screens
    this.sources = sources.map((source, index) => sourceReaders(source, reads[index] ?? [], requirements))
    this.perPhase = bits(sources, ({ changes }) => changes !== 'head')
    this.perSwitch = bits(sources, ({ changes }) => changes === 'switch')
  }
}

export type Screened = 'request' | 'response'

/** Which filter a link belongs to; undefined when no filter can tell anything of it. */
export function screened(link: RuleLink): Screened | undefined {
  const { operator } = link
  if (operator === undefined || !isPure(operator)) return undefined
  let side: Screened | undefined
  for (const target of link.targets) {
    const sources = sourcesOf(target)
    if (sources === undefined) return undefined
    for (const { of } of sources) {
      if (side !== undefined && side !== of) return undefined
      side = of
    }
  }
  return side
}

function sourceReaders(
  source: Source,
  reads: readonly Read[],
  requirements: readonly Requirement[],
): SourceReaders {
  const words = (requirements.length + 31) >>> 5
  const keys = new Set<string>()
  for (const { key, excludedKeys } of reads) {
    if (key !== undefined) keys.add(key)
    for (const each of excludedKeys) keys.add(each)
  }
  // Many keys have the same readers.
  const known = new Map<string, Readers>()
  const readersOf = (key: string | undefined): Readers => {
    const own = reads.filter(
      (read) =>
        (read.key === undefined || read.key === key) && (key === undefined || !read.excludedKeys.has(key)),
    )
    const name = own.map((read) => reads.indexOf(read)).join()
    let readers = known.get(name)
    if (readers === undefined) {
      readers = new Readers(words)
      for (const { bit, link } of own)
        readers.add(bit, link.transformations, link.multiMatch, requirements[bit] ?? noRequirement)
      readers.close()
      known.set(name, readers)
    }
    return readers
  }
  const byKey = new Map([...keys].map((key) => [key, readersOf(key)]))
  let lengths = 0
  for (const { length } of keys) lengths |= lengthBit(length)
  return { source, readers: readersOf(undefined), byKey: byKey.size === 0 ? undefined : byKey, lengths }
}

function excludedKeys(link: RuleLink, target: CompiledTarget): ReadonlySet<string> {
  const own = link.exclusions.filter(({ collection }) => collection === target.collection)
  return new Set(own.flatMap(({ key }) => (key === undefined ? [] : [key])))
}

/** Numbers of the operators without argument that several members have: what they say of a value is found out once. */
function twinsOf(operators: readonly CompiledOperator[]): ReadonlyMap<string, number> {
  const seen = new Set<string>()
  const twins = new Map<string, number>()
  for (const operator of operators) {
    if (operator.argument !== '') continue
    const name = named(operator)
    if (seen.has(name) && !twins.has(name)) twins.set(name, twins.size)
    seen.add(name)
  }
  return twins
}

function named({ name, negated, argument }: CompiledOperator): string {
  return `${negated ? '!' : ''}@${name.toLowerCase()} ${argument}`
}

/** A negated operator matches what it does not require. */
function requirementOf({ negated, run }: CompiledOperator): Requirement {
  return negated || run.requires === undefined ? noRequirement : caseless(run.requires)
}

/** The requirement for a value and for all texts that differ from it in the case of letters only. */
function caseless(requirement: Requirement): Requirement {
  const both = (mask: number): number => ((mask & LETTERS) === 0 ? mask : mask | LETTERS)
  return { ...requirement, someOf: requirement.someOf.map(both), within: both(requirement.within) }
}

const LETTERS = byteClass.lower | byteClass.upper

function bits(sources: readonly Source[], chosen: (source: Source) => boolean): number {
  return sources.reduce((set, source, index) => (chosen(source) ? set | (1 << index) : set), 0)
}
