import { alternatives, conjuncts, insideParentheses } from './condition.js'

/**
 * Many rules can only match contents that begin in one way, and most contents begin in another: such rules need not be
 * evaluated for them at all. This reads from a condition which values its first two bytes may have; where it is not sure,
 * it says "any", so that nothing that could match is left out.
 */

/** Little-endian values of the first two bytes; undefined: any. */
export type FirstBytes = ReadonlySet<number> | undefined

const MZ = 0x5a4d

/** @param condition tokens of a rule's condition */
export function firstBytes(condition: readonly string[]): FirstBytes {
  return ofAlternatives(condition)
}

/** `a or b`: what either allows. */
function ofAlternatives(tokens: readonly string[]): FirstBytes {
  const union = new Set<number>()
  for (const part of alternatives(tokens)) {
    const values = ofConjunction(part)
    if (!values) return undefined
    for (const value of values) union.add(value)
  }
  return union
}

/** `a and b`: what both allow. */
function ofConjunction(tokens: readonly string[]): FirstBytes {
  let intersection: FirstBytes
  for (const part of conjuncts(tokens)) {
    const values = ofTerm(part)
    if (!values) continue
    const before: FirstBytes = intersection
    intersection = before ? new Set([...values].filter((value) => before.has(value))) : values
  }
  return intersection
}

function ofTerm(tokens: readonly string[]): FirstBytes {
  const inner = insideParentheses(tokens)
  if (inner) return ofAlternatives(inner)
  const text = tokens.join(' ')
  // Without an MZ header there is no PE: the parser of YARA's module begins by that.
  if (text === 'pe.is_pe') return new Set([MZ])
  if (/^pe\.imphash \( \) == "[^"]*"$/.test(text)) return new Set([MZ])
  const match =
    /^uint(16|32)(be)? \( 0(?:x0+)? \) == (0x[0-9a-f]+|\d+)$/i.exec(text) ??
    reversed(/^(0x[0-9a-f]+|\d+) == uint(16|32)(be)? \( 0(?:x0+)? \)$/i.exec(text))
  if (!match) return undefined
  const [, bits, isBigEndian, literal] = match
  const value = Number(literal)
  const size = Number(bits)
  if (!Number.isSafeInteger(value) || value >= 2 ** size) return undefined
  if (isBigEndian === undefined) return new Set([value & 0xffff])
  const high = size === 16 ? value : value >>> 16
  return new Set([((high & 0xff) << 8) | (high >>> 8)])
}

const reversed = (match: RegExpExecArray | null): readonly (string | undefined)[] | null =>
  match && [match[0], match[2], match[3], match[1]]
