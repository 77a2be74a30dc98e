import { holdsOnly, maskOf } from './mask.js'
import { textFrequency } from './rarity.js'

/** Texts in lower case, one of which something spells or a value must hold. */
export type LiteralSet = readonly string[]

/** Bytes of a literal that are searched for: longer ones are cut to their rarest part. */
const window = 6
/** Literals that come more often than this at a place of a value are not worth searching for. */
const maxFrequency = 0.02

/** The set that is rarer; undefined ones, those with an empty text and those that a mask tells as well say nothing. */
export function rarer(a: LiteralSet | undefined, b: LiteralSet | undefined): LiteralSet | undefined {
  if (b === undefined || b.length === 0 || b.includes('') || areClasses(b)) return a
  if (a === undefined) return b
  return textFrequency(b) < textFrequency(a) ? b : a
}

/** Whether the texts are all bytes of some byte classes: the mask of a value says of these. */
function areClasses(texts: LiteralSet): boolean {
  if (texts.some(({ length }) => length > 1)) return false
  const bytes = new Set(texts.map((text) => text.charCodeAt(0)))
  return holdsOnly(maskOf(texts.join('')), bytes)
}

/** Every text of one set followed by every text of the other. */
export function followed(a: LiteralSet, b: LiteralSet): LiteralSet {
  return [...new Set(a.flatMap((head) => b.map((tail) => head + tail)))]
}

/** The literals to search for, without those that another one implies; undefined when they are too common. */
export function searched(texts: LiteralSet | undefined): LiteralSet | undefined {
  if (texts === undefined) return undefined
  const cut = new Set(texts.map(rarestPart))
  const least = [...cut].filter((text) => !holdsAnother(text, cut))
  return textFrequency(least) > maxFrequency ? undefined : least
}

function rarestPart(text: string): string {
  let best = text.slice(0, window)
  let frequency = textFrequency([best])
  for (let from = 1; from + window <= text.length; from++) {
    const part = text.slice(from, from + window)
    const expected = textFrequency([part])
    if (expected >= frequency) continue
    best = part
    frequency = expected
  }
  return best
}

function holdsAnother(text: string, others: ReadonlySet<string>): boolean {
  for (let from = 0; from < text.length; from++)
    for (let to = from + 1; to <= text.length; to++)
      if (to - from < text.length && others.has(text.slice(from, to))) return true
  return false
}
