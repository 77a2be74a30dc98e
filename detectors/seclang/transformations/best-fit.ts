/**
 * What careless servers make of a code point when they squeeze it into ASCII or Windows-1252: the look-alikes of characters that rules care about. Our
 * own selection from the compatibility decompositions of Unicode and from what IIS was seen to fold; all that code page 20127 (US-ASCII) folds from
 * U+0100 on is among them.
 */
const lookAlikes: readonly (readonly [to: string, from: string])[] = [
  ["'", '\u02b9\u02bb\u02bc\u02bd\u02c8\u2018\u2019\u201a\u201b\u2032\u2035'],
  ['"', '\u02ba\u02dd\u030e\u201c\u201d\u201e\u201f\u2033\u2036\u301d\u301e\u301f'],
  ['`', '\u02cb\u0300'],
  ['^', '\u02c6\u02c4\u0302\u2303'],
  ['~', '\u02dc\u0303\u223c\u301c'],
  ['<', '\u2039\u2329\u3008\u27e8\ufe64'],
  ['>', '\u203a\u232a\u3009\u27e9\ufe65'],
  ['-', '\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63'],
  ['/', '\u2044\u2215\u2571'],
  ['\\', '\u2216\u2572\ufe68'],
  ['|', '\u2223\u01c0\u2758'],
  ['!', '\u01c3\u2762\ufe57'],
  ['*', '\u2217\u204e\ufe61'],
  [':', '\u2236\u02d0\ufe55'],
  [';', '\u037e\ufe54'],
  [',', '\u201a\ufe50\u3001'],
  ['.', '\u2022\u2024\u3002\ufe52'],
  ['_', '\u2017\u02cd\u0331\u0332\ufe4d'],
  ['(', '\u207d\u208d\ufe59'],
  [')', '\u207e\u208e\ufe5a'],
  ['{', '\ufe5b'],
  ['}', '\ufe5c'],
  ['[', '\u301a\u3010'],
  [']', '\u301b\u3011'],
  ['+', '\u207a\u208a\ufe62'],
  ['=', '\u207c\u208c\ufe66\u30a0'],
  ['#', '\ufe5f'],
  ['&', '\ufe60'],
  ['$', '\ufe69'],
  ['%', '\u066a\ufe6a'],
  ['@', '\ufe6b'],
  ['?', '\ufe56'],
  // Letters that Unicode does not take apart.
  ['D', '\u0110\u0189'],
  ['F', '\u0191'],
  ['G', '\u01e4'],
  ['H', '\u0126'],
  ['I', '\u0197'],
  ['L', '\u0141'],
  ['O', '\u0152\u019f'],
  ['T', '\u0166\u01ae'],
  ['b', '\u0180'],
  ['d', '\u0111'],
  ['f', '\u0192'],
  ['g', '\u01e5\u0261'],
  ['h', '\u0127'],
  ['i', '\u0131'],
  ['l', '\u0142\u019a'],
  ['o', '\u0153'],
  ['t', '\u0167\u01ab'],
  ['z', '\u01b6'],
  [' ', '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000'],
]

const first = 0x100

function build(): Map<number, number> {
  const map = new Map<number, number>()
  // Letters with marks decompose canonically (a with macron is a); digits in circles and small forms by compatibility.
  for (let code = first; code <= 0x24ff; code++) {
    const base = String.fromCharCode(code).normalize('NFKD').charCodeAt(0)
    if (base !== code && base > 0x20 && base < 0x7f) map.set(code, base)
  }
  for (const [to, from] of lookAlikes) {
    for (const char of from) map.set(char.charCodeAt(0), to.charCodeAt(0))
  }
  // Full-width forms of ASCII.
  for (let low = 1; low < 0x5f; low++) map.set(0xff00 + low, low + 0x20)
  return map
}

/** Code points from U+0100 on and the ASCII byte that each folds to. */
export const bestFit: ReadonlyMap<number, number> = build()
