import { byteClass, maskOf } from './mask.js'
import { textFrequency } from './rarity.js'
import type { Requirement } from './requirement.js'

/** Texts in lower case, one of which something spells or a value must hold. */
export type LiteralSet = readonly string[]

/** Bytes of a literal that are searched for: longer ones are cut to their rarest part. */
const window = 6
/** Literals that come more often than this at a place of a value are not worth searching for. */
const maxFrequency = 0.02

/** Classes of bytes that most values hold. */
const PLAIN = byteClass.lower | byteClass.upper | byteClass.digit | byteClass.space

/** The set that is rarer; undefined ones and those with an empty text say nothing, and those of signs only what a mask says too. */
export function rarer(a: LiteralSet | undefined, b: LiteralSet | undefined): LiteralSet | undefined {
  if (b === undefined || b.length === 0 || b.includes('')) return a
  if (a === undefined) return b
  return frequency(b) < frequency(a) ? b : a
}

function frequency(texts: LiteralSet): number {
  return texts.every(isSign) ? 1 : textFrequency(texts)
}

function isSign(text: string): boolean {
  return text.length === 1 && (maskOf(text) & PLAIN) === 0
}

/** Every text of one set followed by every text of the other. */
export function followed(a: LiteralSet, b: LiteralSet): LiteralSet {
  if (spellsNothing(b)) return a
  if (spellsNothing(a)) return b
  return [...new Set(a.flatMap((head) => b.map((tail) => head + tail)))]
}

function spellsNothing(texts: LiteralSet): boolean {
  return texts.length === 1 && texts[0] === ''
}

/**
 * The literals to search for, without those that another one implies, and byte classes that do instead, for a mask tells of single signs; no literals when they are
 * too common.
 */
export function searched(texts: LiteralSet | undefined): Pick<Requirement, 'literals' | 'instead'> {
  if (texts === undefined) return { literals: undefined, instead: 0 }
  const instead = maskOf(texts.filter(isSign).join(''))
  const cut = new Set(texts.filter((text) => (maskOf(text) & instead) === 0).map(rarestPart))
  const lengths = new Set(Array.from(cut, ({ length }) => length))
  const least = [...cut].filter((text) => !holdsAnother(text, cut, lengths))
  return least.length === 0 || textFrequency(least) > maxFrequency
    ? { literals: undefined, instead: 0 }
    : { literals: least, instead }
}

function rarestPart(text: string): string {
  let best = text.slice(0, window)
  let least = textFrequency([best])
  for (let from = 1; from + window <= text.length; from++) {
    const part = text.slice(from, from + window)
    const expected = textFrequency([part])
    if (expected >= least) continue
    best = part
    least = expected
  }
  return best
}

function holdsAnother(text: string, others: ReadonlySet<string>, lengths: ReadonlySet<number>): boolean {
  for (const length of lengths)
    for (let from = 0; length < text.length && from + length <= text.length; from++)
      if (others.has(text.slice(from, from + length))) return true
  return false
}
