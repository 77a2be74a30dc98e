import { patternLiterals } from './pattern-literals.js'

/** From which on a pattern is found by chance in hardly any content. */
const STRONGEST = 16

/**
 * About how many bytes must be right for a pattern to be found. An estimate: it decides what is asked first, never what
 * matches.
 * @param text the pattern's literal with its modifiers
 */
export function patternStrength(text: string): number {
  const literals = patternLiterals(text)
  if (literals) return Math.min(STRONGEST, ...literals.map(strengthOf))
  if (text.startsWith('{')) return 0
  // Found in several forms (`nocase`, `xor`, `base64`), or with parts that may be missing: half of what it looks like.
  const runs = text
    .slice(1, Math.max(text.lastIndexOf('"'), text.lastIndexOf('/')))
    .replace(/\\x..|\\./g, ' ')
  return Math.min(STRONGEST, longest(runs.match(/[A-Za-z0-9_=:;-]+/g)) / 2)
}

/** A word of a language is found far more often than as many other bytes. */
const strengthOf = (literal: Buffer): number => {
  const different = new Set(literal.filter((byte) => byte !== 0)).size
  return /^[A-Za-z\0]+$/.test(literal.toString('latin1')) ? different / 2 : different
}

const longest = (runs: readonly string[] | null): number =>
  (runs ?? []).reduce((length, run) => Math.max(length, run.length), 0)
