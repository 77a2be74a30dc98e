import { jamming, sqlWords, wordPairs } from './sql-words.js'
import type { TokenKind } from './sql-words.js'

/**
 * Kinds of tokens that prove nothing: no shape of an attack is made of them alone, as long as conditions (`&`), comparisons by words (`l`)
 * and what may be compared (a number, or the list that a comma makes) do not come together.
 */
export const PROSE_KINDS = 'nkl!FLD&to.1r,'

const CONDITION = 1
const COMPARISON = 2
const NUMBER = 4
/** Only the tokenizer can say what this is. */
const TELLING = 8
/** What no attack of words alone can do without. */
const TOGETHER = CONDITION | COMPARISON | NUMBER

/** What a byte is: a part of a word (from 1 on, the letter's place in the tree), between words, or one of the flags as `FLAG | flags`. */
const BETWEEN = 0
const OTHER_IN_WORD = 28
const DIGIT = 29
const FLAG = 32

const bytes = new Uint8Array(256).fill(FLAG | TELLING)
for (let code = 0; code <= 0x20; code++) bytes[code] = BETWEEN
for (const char of '.-/+?%!:\xa0') bytes[char.charCodeAt(0)] = BETWEEN
for (let code = 0x80; code < 0x100; code++) if (code !== 0xa0) bytes[code] = OTHER_IN_WORD
for (let letter = 0; letter < 26; letter++) bytes[0x61 + letter] = bytes[0x41 + letter] = letter + 1
bytes[0x5f] = 27
for (let digit = 0; digit < 10; digit++) bytes[0x30 + digit] = DIGIT
bytes[0x2c] = FLAG | NUMBER

const SYMBOLS = 28
const ROOT = SYMBOLS
/** Words that tell something, as a tree: the next node by node and letter; node 0 is for all other words. */
const { next, flagsOf } = tree(tellingWords())

/**
 * Tells of most text, without taking it apart, that nothing reads it as SQL injection: it has no quotes, signs or comments of SQL and none of
 * the words that an attack of words needs. False says nothing. One pass.
 */
export function isProse(text: string): boolean {
  let flags = 0
  let node = ROOT
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const byte = code < 256 ? (bytes[code] ?? 0) : FLAG | TELLING
    if (byte < OTHER_IN_WORD && byte > BETWEEN) node = next[node + byte] ?? 0
    else if (byte === OTHER_IN_WORD) node = 0
    else if (byte === DIGIT) {
      if (node === ROOT) {
        // Letters stuck to a number may be a word of their own, and a dot joins what follows.
        at = endOfNumber(text, at)
        if (at < 0) return false
        flags |= NUMBER
      } else node = 0
    } else {
      flags |= (flagsOf[node] ?? 0) | (byte & ~FLAG)
      if (flags >= TELLING) return false
      node = ROOT
      if ((code === HYPHEN || code === COLON) && text.charCodeAt(at + 1) === code) return false
    }
  }
  flags |= flagsOf[node] ?? 0
  return flags < TOGETHER
}

const HYPHEN = 0x2d
const COLON = 0x3a
const PLUS = 0x2b
const DOT = 0x2e

/** Index of the last character of a number; -1 when what is stuck to it may say something by itself. */
function endOfNumber(text: string, start: number): number {
  let at = start
  for (;;) {
    const code = text.charCodeAt(at + 1)
    if (code !== DOT && !isDigit(code)) return isWordByte(code) && !joins(text, at) ? -1 : at
    at++
  }
}

/** Whether the dot here, behind a number, only joins it to the word that follows, which is then read like any other. */
function joins(text: string, dot: number): boolean {
  if (text.charCodeAt(dot) !== DOT) return false
  switch (text.charCodeAt(dot + 1) | 0x20) {
    case 0x65: {
      // 1.e5, and MySQL's 1.e.name.
      const after = text.charCodeAt(dot + 2)
      return after !== DOT && after !== HYPHEN && after !== PLUS && !isDigit(after)
    }
    case 0x64:
    case 0x66:
      // 1.f is a number too: SQL still sees a word behind the letter.
      return !isJammed(text, dot + 2)
    default:
      return true
  }
}

const LONGEST_JAMMED = Math.max(...[...jamming].map((word) => word.length))

/** Whether one of the words that SQL sees behind a number stands here. */
function isJammed(text: string, start: number): boolean {
  let end = start
  while (end - start <= LONGEST_JAMMED && isAsciiWord(text.charCodeAt(end))) end++
  return jamming.has(text.slice(start, end).toLowerCase())
}

function isAsciiWord(code: number): boolean {
  return code < 0x80 && (isDigit(code) || isWordByte(code))
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Whether a word may begin or go on with this byte; digits aside. */
function isWordByte(code: number): boolean {
  const byte = code < 256 ? (bytes[code] ?? 0) : 0
  return byte >= 1 && byte <= OTHER_IN_WORD
}

/** Words with what they say: by themselves, or with the word that makes a pair of them. */
function tellingWords(): ReadonlyMap<string, number> {
  const words = new Map<string, number>()
  const tell = (word: string, kind: TokenKind): void => {
    const flag =
      kind === '&' ? CONDITION : kind === 'l' ? COMPARISON : PROSE_KINDS.includes(kind) ? 0 : TELLING
    if (flag > 0) words.set(word, (words.get(word) ?? 0) | flag)
  }
  for (const [word, kind] of sqlWords) tell(word, kind)
  for (const [pair, kind] of wordPairs) {
    const [first = '', second = ''] = pair.split(' ')
    // Both have to be there: the one that is met less often is enough.
    tell(first === 'into' || first === '=' ? second : first, kind)
  }
  return words
}

function tree(words: ReadonlyMap<string, number>): {
  readonly next: Uint16Array
  readonly flagsOf: Uint8Array
} {
  let size = 2 * SYMBOLS
  for (const word of words.keys()) size += word.length * SYMBOLS
  const places = new Uint16Array(size)
  const flags = new Uint8Array(size)
  let last = ROOT
  for (const [word, flag] of words) {
    let at = ROOT
    for (const char of word) {
      const place = at + (bytes[char.charCodeAt(0)] ?? 0)
      if (places[place] === 0) places[place] = last += SYMBOLS
      at = places[place] ?? 0
    }
    flags[at] = flag
  }
  return { next: places, flagsOf: flags }
}
