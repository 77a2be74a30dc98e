import { byteClass as is } from '../prefilter/mask.js'

/**
 * Bytes without which a transformation changes nothing, as byte classes: a value that holds none of them comes out as it is. A class may
 * hold more bytes than the transformation looks at.
 */
const TOUCHES: ReadonlyMap<string, number> = new Map([
  ['none', 0],
  [
    'cmdline',
    is.upper |
      is.space |
      is.control |
      is.doubleQuote |
      is.singleQuote |
      is.backslash |
      is.tilde |
      is.comma |
      is.semicolon,
  ],
  ['compresswhitespace', is.space | is.control | is.high],
  ['cssdecode', is.backslash],
  ['escapeseqdecode', is.backslash],
  ['htmlentitydecode', is.ampersand],
  ['jsdecode', is.backslash],
  ['lowercase', is.upper],
  ['normalisepath', is.slash | is.dot],
  ['normalizepath', is.slash | is.dot],
  ['normalisepathwin', is.slash | is.dot | is.backslash],
  ['normalizepathwin', is.slash | is.dot | is.backslash],
  ['removecomments', is.star | is.hyphen | is.hash | is.mark],
  ['removecommentschar', is.star | is.hyphen | is.hash],
  ['removenulls', is.control],
  ['removewhitespace', is.space | is.control | is.high],
  ['replacecomments', is.star],
  ['replacenulls', is.control],
  ['sqlhexdecode', is.digit],
  ['trim', is.space | is.control],
  ['trimleft', is.space | is.control],
  ['trimright', is.space | is.control],
  ['uppercase', is.lower],
  ['urldecode', is.percent | is.plus],
  ['urldecodeuni', is.percent | is.plus],
  ['utf8tounicode', is.high | is.control],
])

/** Byte classes of which a value must hold one for the transformation to change it; undefined where it may change any value, the empty one too. */
export function touches(name: string): number | undefined {
  return TOUCHES.get(name.toLowerCase())
}
