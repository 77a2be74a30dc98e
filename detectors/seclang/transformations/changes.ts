import { anyClass, byteClass as is } from '../prefilter/mask.js'

/** Classes of bytes that a transformation looks for, and those that it may put in their place besides what was there. */
type Change = readonly [touched: number, added: number]
export type Changes = readonly Change[]

const CASE = is.lower | is.upper
const spaces = is.space | is.control | is.high

/**
 * What is known of transformations, whatever the value, as byte classes: a value that holds nothing that is touched comes out as it is. A class may hold
 * more bytes than the transformation looks at.
 */
const CHANGES: ReadonlyMap<string, Changes> = new Map<string, Changes>([
  ['none', []],
  ['base64decode', [[anyClass, anyClass]]],
  ['base64decodeext', [[anyClass, anyClass]]],
  [
    'cmdline',
    [
      [is.upper, is.lower],
      [is.space | is.control | is.comma | is.semicolon, is.space],
      [is.doubleQuote | is.singleQuote | is.backslash | is.tilde, 0],
    ],
  ],
  ['compresswhitespace', [[spaces, is.space]]],
  ['cssdecode', [[is.backslash, anyClass]]],
  ['escapeseqdecode', [[is.backslash, anyClass]]],
  ['hexdecode', [[anyClass, anyClass]]],
  ['htmlentitydecode', [[is.ampersand, anyClass]]],
  ['jsdecode', [[is.backslash, anyClass]]],
  ['lowercase', [[is.upper, is.lower]]],
  ['normalisepath', [[is.slash | is.dot, 0]]],
  ['normalizepath', [[is.slash | is.dot, 0]]],
  ['normalisepathwin', [[is.slash | is.dot | is.backslash, is.slash]]],
  ['normalizepathwin', [[is.slash | is.dot | is.backslash, is.slash]]],
  ['removecomments', [[is.star | is.hyphen | is.hash | is.mark, is.space | is.control]]],
  ['removecommentschar', [[is.star | is.hyphen | is.hash, 0]]],
  ['removenulls', [[is.control, 0]]],
  ['removewhitespace', [[spaces, 0]]],
  ['replacecomments', [[is.star, is.space]]],
  ['replacenulls', [[is.control, is.space]]],
  ['sqlhexdecode', [[is.digit, anyClass]]],
  ['trim', [[is.space | is.control, 0]]],
  ['trimleft', [[is.space | is.control, 0]]],
  ['trimright', [[is.space | is.control, 0]]],
  ['uppercase', [[is.lower, is.upper]]],
  [
    'urldecode',
    [
      [is.percent, anyClass],
      [is.plus, is.space],
    ],
  ],
  [
    'urldecodeuni',
    [
      [is.percent, anyClass],
      [is.plus, is.space],
    ],
  ],
  ['utf8tounicode', [[is.high | is.control, is.percent | is.lower | is.digit]]],
])

/** What is known of a transformation; undefined when it may do anything to any value, the empty one too. */
export function changesOf(name: string): Changes | undefined {
  return CHANGES.get(name.toLowerCase())
}

/** Byte classes of which a value must hold one to be changed; undefined where any value may be. */
export function touches(changes: Changes | undefined): number | undefined {
  return changes?.reduce((all, [touched]) => all | touched, 0)
}

/** The same, where the case of letters is no change. */
export function touchesBeyondCase(changes: Changes | undefined): number | undefined {
  return touches(changes?.filter(([touched, added]) => ((touched | added) & ~CASE) !== 0))
}

/** Byte classes that a value may hold afterwards, when before it holds none but those of `mask`. */
export function classesAfter(changes: Changes | undefined, mask: number): number {
  if (changes === undefined) return anyClass
  let after = mask
  for (const [touched, added] of changes) if ((mask & touched) !== 0) after |= added
  return after
}

/** Whether a value may have more bytes after the transformation of that name. */
export function lengthens(name: string): boolean {
  const known = name.toLowerCase()
  return known === 'utf8tounicode' || !CHANGES.has(known)
}

/** Whether it makes something else of every value, bytes of any class. */
export function isOpaque(changes: Changes | undefined): boolean {
  return touches(changes ?? [[anyClass, anyClass]]) === anyClass
}
