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

/** `a or b`: what either allows. Precedence in YARA: `or` binds weakest, then `and`, then `not`. */
function ofAlternatives(tokens: readonly string[]): FirstBytes {
  const union = new Set<number>()
  for (const part of split(tokens, 'or')) {
    const values = ofConjunction(part)
    if (!values) return undefined
    for (const value of values) union.add(value)
  }
  return union
}

/** `a and b`: what both allow. */
function ofConjunction(tokens: readonly string[]): FirstBytes {
  let intersection: FirstBytes
  for (const part of split(tokens, 'and')) {
    const values = ofTerm(part)
    if (!values) continue
    const before: FirstBytes = intersection
    intersection = before ? new Set([...values].filter((value) => before.has(value))) : values
  }
  return intersection
}

function ofTerm(tokens: readonly string[]): FirstBytes {
  if (tokens[0] === '(' && closing(tokens, 0) === tokens.length - 1)
    return ofAlternatives(tokens.slice(1, -1))
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

/** Splits at a word that stands outside of all parentheses and brackets. */
function split(tokens: readonly string[], word: string): string[][] {
  const parts: string[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token === '(' || token === '[') depth++
    else if (token === ')' || token === ']') depth--
    if (depth === 0 && token === word) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

/** Index of the sign that closes the one at `open`. */
function closing(tokens: readonly string[], open: number): number {
  let depth = 0
  for (let index = open; index < tokens.length; index++) {
    if (tokens[index] === '(') depth++
    else if (tokens[index] === ')' && --depth === 0) return index
  }
  return -1
}

/**
 * A pattern that must be found for the condition to hold, where its outermost level says so. Asking for it first spares the
 * engine the rest, loops over all patterns and reads at offsets among it, for nearly every content.
 */
export function requiredPattern(
  condition: readonly string[],
  patterns: readonly string[],
): string | undefined {
  if (split(condition, 'or').length > 1) return undefined
  for (const part of split(condition, 'and')) {
    if (part[0] === '(' && closing(part, 0) === part.length - 1) {
      const inner = requiredPattern(part.slice(1, -1), patterns)
      if (inner !== undefined) return inner
      continue
    }
    if (part.length === 1 && part[0] !== undefined && patterns.includes(part[0])) return part[0]
    if (part[0] !== 'all' || part[1] !== 'of') continue
    if (part.length === 3 && part[2] === 'them') return patterns[0]
    if (part.length === 5 && part[2] === '(' && part[4] === ')') {
      const name = part[3] ?? ''
      if (!name.endsWith('*')) return patterns.find((pattern) => pattern === name)
      return patterns.find((pattern) => pattern.startsWith(name.slice(0, -1)))
    }
  }
  return undefined
}
