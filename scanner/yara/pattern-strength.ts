/** From which on a pattern is found by chance in hardly any content. */
const STRONGEST = 16

/**
 * About how many bytes a content must have in a certain order for a pattern to be found in it. An estimate: it decides what is
 * asked first, never what matches.
 * @param text the pattern's literal with its modifiers
 */
export function patternStrength(text: string): number {
  return Math.min(
    STRONGEST,
    text.startsWith('{') ? ofBytes(text) : text.startsWith('/') ? ofRegex(text) : ofText(text),
  )
}

/** A word of a language is found far more often than as many other characters. */
const ofText = (text: string): number => {
  const literal = text.slice(1, text.lastIndexOf('"')).replace(/\\x..|\\./g, '.')
  return /^[A-Za-z]+$/.test(literal) ? literal.length / 2 : literal.length
}

const longest = (runs: readonly string[] | null): number =>
  (runs ?? []).reduce((length, run) => Math.max(length, run.length), 0)

/** The longest run of whole bytes. */
const ofBytes = (text: string): number =>
  longest(text.replace(/\/\/[^\n]*|\s/g, '').match(/[0-9A-Fa-f]+/g)) / 2

/** The longest run of letters and digits, some of which may be optional or one of several. */
const ofRegex = (text: string): number =>
  longest(text.replace(/\\x..|\\./g, ' ').match(/[A-Za-z0-9_=:;-]+/g)) / 2
