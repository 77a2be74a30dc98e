import type { Node } from '../pcre/ast.js'
import { ByteSet } from '../pcre/byte-set.js'
import { isAnchored, isAnchoredAtEnd } from '../pcre/first-bytes.js'
import { withoutBytes } from '../pcre/without-bytes.js'
import { followed, rarer, searched } from './literal-sets.js'
import type { LiteralSet } from './literal-sets.js'
import { anyClass, byteClass, maskOf, maskOfSet } from './mask.js'
import { bothDemands, eitherDemands } from './mask-demands.js'
import type { MaskDemands } from './mask-demands.js'
import { lowerAscii, noRequirement } from './requirement.js'
import type { Requirement } from './requirement.js'

/** Bytes of a class that are written out as texts, and texts that one part of a pattern may be said to spell. */
const maxBytes = 12
const maxTexts = 96
/** Rounds of a repeat that are written out. */
const maxRounds = 4

/** What is known of every text that a node matches; of more texts than it matches, never of fewer. */
interface Facts {
  readonly min: number
  readonly max: number
  readonly demands: MaskDemands
  /** Classes of the bytes that it may consume. */
  readonly classes: number
  /** All texts that it can match, in lower case; undefined when they are too many. */
  readonly texts: LiteralSet | undefined
  /** Texts one of which is in each that it matches; undefined when none are known but `texts`. */
  readonly holds: LiteralSet | undefined
}

/** Signs that ordinary text seldom holds; the classes of bytes hold nothing else. */
const SIGNS = ByteSet.chars('"\'`()[]{}<>=;%&|$\\+*@#!?^~')

const LETTERS = byteClass.lower | byteClass.upper

const nothing: Facts = { min: 0, max: 0, demands: [], classes: 0, texts: [''], holds: undefined }
const anything: Facts = {
  min: 0,
  max: Infinity,
  demands: [],
  classes: anyClass,
  texts: undefined,
  holds: undefined,
}

/** What a value must hold for some part of it to match the tree (case is in its byte sets). */
export function patternRequirement(root: Node): Requirement {
  const facts = factsOf(root)
  const required = { ...requirementOf(facts), ...signlessLiterals(root, facts) }
  const whole = isAnchored(root) && isAnchoredAtEnd(root)
  return whole ? { ...required, maxLength: facts.max, within: facts.classes } : required
}

/**
 * Patterns against commands let signs stand between any two letters, and so spell nothing. But a value without such signs must spell what is
 * left of the pattern when they are taken out.
 */
function signlessLiterals(root: Node, { texts, holds }: Facts): Partial<Requirement> {
  if (searched(rarer(rarer(undefined, holds), texts)).literals !== undefined) return {}
  const rest = withoutBytes(root, SIGNS)
  if (rest === undefined) return {}
  const signless = factsOf(rest)
  const { literals, instead } = searched(rarer(rarer(undefined, signless.holds), signless.texts))
  return literals === undefined ? {} : { literals, instead: instead | maskOfSet(SIGNS) }
}

/** What a value must hold for one of the texts to stand in it. */
export function textRequirement(texts: readonly string[], caseless: boolean): Requirement {
  return requirementOf(alternatives(texts.map((text) => textFacts(text, caseless))))
}

/** What a value must hold for one of its bytes to be in the set. */
export function byteRequirement(set: ByteSet): Requirement {
  return requirementOf(setFacts(set))
}

function requirementOf({ min, demands, holds, texts }: Facts): Requirement {
  return {
    ...noRequirement,
    minLength: min,
    someOf: demands,
    ...searched(rarer(rarer(undefined, holds), texts)),
  }
}

function textFacts(text: string, caseless: boolean): Facts {
  const masks = Array.from(text, (char) => {
    const mask = maskOf(char)
    return caseless && (mask & LETTERS) !== 0 ? LETTERS : mask
  })
  return {
    min: text.length,
    max: text.length,
    demands: bothDemands(masks),
    classes: masks.reduce((all, mask) => all | mask, 0),
    texts: [lowerAscii(text)],
    holds: undefined,
  }
}

function factsOf(node: Node): Facts {
  switch (node.kind) {
    case 'empty':
    case 'keep':
    case 'assert':
      return nothing
    case 'backreference':
      return anything
    case 'set':
      return setFacts(node.set)
    case 'cat':
    case 'repeat':
      return sequence(partsOf(node))
    case 'alt':
      return alternatives(node.items.map(factsOf))
    case 'group':
    case 'atomic':
      return factsOf(node.node)
    case 'look': {
      if (node.negated) return nothing
      // What is looked at stands in the value too, but its bytes are not consumed.
      const { demands, texts, holds } = factsOf(node.node)
      return { ...nothing, demands, holds: rarer(holds, texts) }
    }
  }
}

function setFacts(set: ByteSet): Facts {
  const bytes = new Set(set.bytes.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)))
  const mask = maskOfSet(set)
  return {
    min: 1,
    max: 1,
    demands: bothDemands([mask]),
    classes: mask,
    texts: bytes.size <= maxBytes ? Array.from(bytes, (byte) => String.fromCharCode(byte)) : undefined,
    holds: undefined,
  }
}

/** Facts of what follows one another: neighbours that are spelt out are joined to longer texts, as long as these are few. */
function sequence(items: readonly Facts[]): Facts {
  let run: LiteralSet | undefined = ['']
  let holds: LiteralSet | undefined
  let spelt = true
  for (const item of items) {
    // A look-ahead spells nothing, but what it holds counts.
    holds = rarer(holds, item.holds)
    if (item.texts !== undefined && run.length * item.texts.length <= maxTexts) {
      run = followed(run, item.texts)
      continue
    }
    spelt = false
    holds = rarer(holds, run)
    run = item.texts ?? ['']
  }
  return {
    min: sum(items.map(({ min }) => min)),
    max: sum(items.map(({ max }) => max)),
    demands: bothDemands(items.flatMap(({ demands }) => demands)),
    classes: items.reduce((mask, { classes }) => mask | classes, 0),
    texts: spelt ? run : undefined,
    holds: spelt ? holds : rarer(holds, run),
  }
}

function alternatives(items: readonly Facts[]): Facts {
  const texts = union(items.map(({ texts: each }) => each))
  return {
    min: Math.min(...items.map(({ min }) => min)),
    max: Math.max(...items.map(({ max }) => max)),
    demands: eitherDemands(items.map(({ demands }) => demands)),
    classes: items.reduce((mask, { classes }) => mask | classes, 0),
    texts: texts !== undefined && texts.length <= maxTexts ? texts : undefined,
    holds: union(items.map(({ holds, texts: each }) => rarer(holds, each))),
  }
}

/** What a node is made of, one after the other, so that the texts of neighbours can be joined. */
function partsOf(node: Node): readonly Facts[] {
  switch (node.kind) {
    case 'cat':
      return node.items.flatMap(partsOf)
    case 'group':
    case 'atomic':
      return partsOf(node.node)
    case 'repeat':
      return rounds(factsOf(node.node), node.min, node.max)
    default:
      return [factsOf(node)]
  }
}

/** x{2,} is read as xx, any more, xx: both ends can join with what stands beside them, and only the first counts. */
function rounds(item: Facts, min: number, max: number): readonly Facts[] {
  const texts = spellings(item.texts, min, max)
  const least = texts === undefined ? Math.min(min, maxRounds) : 0
  const more: Facts = {
    min: item.min * (min - least),
    max: item.max === 0 || max === least ? 0 : item.max * (max - least),
    demands: min > least ? item.demands : [],
    classes: max === 0 ? 0 : item.classes,
    texts,
    holds: min > least ? item.holds : undefined,
  }
  const end = Array.from({ length: least }, () => item)
  return [...end, more, ...end.map((last) => ({ ...last, min: 0, max: 0 }))]
}

/** All texts of a few rounds; undefined when they are too many. */
function spellings(texts: LiteralSet | undefined, min: number, max: number): LiteralSet | undefined {
  if (texts === undefined || max > maxRounds) return undefined
  let all: LiteralSet = ['']
  for (let round = 0; round < max; round++) {
    if (all.length * texts.length > maxTexts) return undefined
    const longer = followed(all, texts)
    all = round < min ? longer : [...new Set([...all, ...longer])]
  }
  return all
}

/** All of the sets together, or undefined when one is. */
function union(sets: readonly (LiteralSet | undefined)[]): LiteralSet | undefined {
  const all = new Set<string>()
  for (const set of sets) {
    if (set === undefined) return undefined
    for (const text of set) all.add(text)
  }
  return [...all]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
