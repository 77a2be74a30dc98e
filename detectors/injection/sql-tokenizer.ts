import { functionWords, jamming, sqlWords } from './sql-words.js'
import type { TokenKind } from './sql-words.js'

/** A token; `text` is lower-cased and kept only as far as folding looks at it. */
export interface Token {
  readonly kind: TokenKind
  readonly text: string
}

/** What the value is pasted into: nothing, or a string between these quotes. */
export type Quote = '' | "'" | '"'
/** MySQL reads `#` as a comment and wants white space behind `--`; ANSI does neither. */
export type CommentStyle = 'ansi' | 'mysql'

const DOT = 0x2e

/** Characters of a word that matter; longer ones are names. */
const maxWord = 32

/** What a byte may be part of, as bits. */
const SPACE = 1
/** A letter of ASCII or `_`. */
const LETTER = 2
const DIGIT = 4
/** Goes on in a word: letters, digits, `$`. */
const IN_WORD = 8
/** A byte above ASCII, which only the first part of a word may hold. */
const HIGH = 16

const classes = new Uint8Array(256)
for (let code = 0; code < 256; code++) {
  const char = String.fromCharCode(code)
  if (/[\0-\x20\xa0]/.test(char)) classes[code] = SPACE
  else if (/[A-Za-z_]/.test(char)) classes[code] = LETTER | IN_WORD
  else if (/\d/.test(char)) classes[code] = DIGIT | IN_WORD
  else if (char === '$') classes[code] = IN_WORD
  else if (code >= 0x80) classes[code] = HIGH
}

const number = /0[xX][0-9a-fA-F]*|0[bB][01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
/** Letters stuck to a number, and MySQL's `1.e.name`. */
const stuck = /e?\.[A-Za-z_`"[]|[A-Za-z_][\w$]*/y
const variable = /@@?(?:[\w$.\x80-\xff]+|`[^`]*`|'[^']*'|"[^"]*")?/y
const operator =
  /<=>|===|!==|<>|<=|>=|<<|>>|=>|==|=~|!=|!<|!>|\^=|:=|\|\||&&|->>?|\+\+|[-+*/&|]=|[-+*/%^~!=<>|&:?@#\\]/y
const comparisons = new Set(['<=>', '<>', '<=', '>=', '!=', '!<', '!>', '^=', '=', '<', '>', ':='])
/** Operators of other languages, and signs that only text has. */
const foreign = new Set([
  '===',
  '!==',
  '=>',
  '=~',
  '->',
  '->>',
  '++',
  '-=',
  '+=',
  '*=',
  '/=',
  '&=',
  '|=',
  ':',
  '?',
  '#',
  '\\',
  '@',
])
const prefixedString =
  /(?:[nNeE]|[uU]&|_[A-Za-z][A-Za-z0-9]{0,20} ?)(?=')|[xX](?='[0-9a-fA-F]*')|[bB](?='[01]*')/y
const dollarQuote = /\$(?:[A-Za-z_]\w*)?\$/y
const oracleQuote = /[nN]?[qQ]'[^\s]/y
const versionComment = /\/\*M?!\d{0,6}/y
const cast = /::\s{0,8}[A-Za-z_]\w*/y
/** What a string may be announced by. */
const announcing = /[nNeEuUxXbBqQ_]/

/** What payloads put in front of a quote that leaves a string, and leave open at the end: a word at most. */
const longestWord = 48
const oneWord = /^\s*[\w%@.-]*\s*$/

function isWord(text: string): boolean {
  return text.length < longestWord && oneWord.test(text)
}

/** A blank behind a word: what is quoted next is quoted by a sentence (`black "and" white`), for what breaks out of a string needs no blank. */
const quotation = /\S\s$/
const lastWord = /^[A-Za-z]+'$/

/**
 * The kind of the string that began before the value, `rest` being what follows its quote. Searches begin with a double quote, so an empty text before one says
 * as little as a long one. Of single quotes only those around the last word are a quotation (`select 'and'`): around more they end strings of MySQL's too.
 */
function opening(text: string, quote: string, rest: string): TokenKind {
  const short = isWord(text)
  if (quote === '"') return short && text !== '' && !quotation.test(text) ? 'Q' : 'Z'
  return short && !(quotation.test(text) && lastWord.test(rest)) ? 'q' : 'z'
}

/** Splits a value into SQL tokens as it would be read inside the given quotes. Linear: each byte is read a bounded number of times. */
export class SqlTokenizer {
  readonly #value: string
  readonly #style: CommentStyle
  readonly #quote: Quote
  /** Whether a string may begin with letters. */
  readonly #announces: boolean
  #at = 0
  #token: Token | undefined
  /** Ends that were looked for in vain need not be looked for again. */
  #missing: Set<string> | undefined
  /** Inside a version comment, whose end reads as white space. */
  #conditional = false

  constructor(value: string, quote: Quote, style: CommentStyle) {
    this.#value = value
    this.#style = style
    this.#quote = quote
    this.#announces = value.includes("'")
    if (quote !== '') this.#string(quote, quote === '"' ? 'Q' : 'q')
  }

  /** The next token, or undefined at the end. */
  next(): Token | undefined {
    while (this.#token === undefined && this.#at < this.#value.length) this.#step()
    const token = this.#token
    this.#token = undefined
    return token
  }

  #step(): void {
    const kind = this.#classAt(this.#at)
    if ((kind & SPACE) !== 0) {
      this.#skip(SPACE)
      return
    }
    const char = this.#value.charAt(this.#at)
    if ((kind & (LETTER | HIGH)) !== 0) {
      if (this.#announces && announcing.test(char) && this.#announcedString()) return
      this.#word(this.#name())
    } else if ((kind & DIGIT) !== 0) {
      this.#match(number)
      this.#number()
    } else if (char === "'" || char === '"') {
      this.#at += 1
      this.#string(char)
    } else if (char === '`') {
      this.#at += 1
      this.#until('`', 'n')
    } else if (char === '[') {
      this.#at += 1
      this.#until(']', 'n')
    } else if (char === '/' && this.#value.charAt(this.#at + 1) === '*') this.#blockComment()
    else if (char === '*' && this.#conditional && this.#value.charAt(this.#at + 1) === '/') this.#at += 2
    else if (char === '-' && this.#value.charAt(this.#at + 1) === '-' && this.#dashComment()) return
    else if (char === '#' && this.#style === 'mysql') this.#lineComment()
    else this.#sign(char)
  }

  #classAt(at: number): number {
    const code = this.#value.charCodeAt(at)
    return code < 256 ? (classes[code] ?? 0) : 0
  }

  /** Goes to the first byte from here on that is none of these. */
  #skip(kinds: number): void {
    let at = this.#at
    while ((this.#classAt(at) & kinds) !== 0) at += 1
    this.#at = at
  }

  /** Reads a word that begins here, and what dots join to it. */
  #name(): string {
    const start = this.#at
    this.#skip(IN_WORD | HIGH)
    while (this.#value.charCodeAt(this.#at) === DOT && (this.#classAt(this.#at + 1) & LETTER) !== 0) {
      this.#at += 1
      this.#skip(IN_WORD)
    }
    return this.#value.slice(start, this.#at)
  }

  /** Reads a string whose opening quote is behind the cursor: a doubled quote and a backslash escape the next one. */
  #string(quote: string, kind: TokenKind = 's'): void {
    const value = this.#value
    let at = this.#at
    for (;;) {
      const end = value.indexOf(quote, at)
      if (end < 0) {
        const rest = value.slice(this.#at, this.#at + longestWord)
        this.#at = value.length
        if (this.#quote !== '' && this.#quote !== quote) this.#push('u', '')
        else this.#push(rest.trim() === '' ? 'y' : isWord(rest.replaceAll('+', '')) ? 'p' : 'P', '')
        return
      }
      let slashes = 0
      while (end - 1 - slashes >= at && value.charCodeAt(end - 1 - slashes) === 92) slashes += 1
      if (slashes % 2 === 1) at = end + 1
      else if (value.charAt(end + 1) === quote && kind === 's') at = end + 2
      else {
        this.#push(
          kind === 's'
            ? kind
            : opening(
                value.slice(0, Math.min(end, longestWord)),
                quote,
                value.slice(end + 1, end + longestWord),
              ),
          '',
        )
        this.#at = end + 1
        return
      }
    }
  }

  /** Reads a string that begins with letters: `n'…'`, `_utf8 '…'`, `q'[…]'`. */
  #announcedString(): boolean {
    const prefix = this.#match(prefixedString)
    if (prefix !== undefined) {
      this.#at += 1
      this.#string("'")
      return true
    }
    const start = this.#at
    const oracle = this.#match(oracleQuote)
    if (oracle === undefined) return false
    const open = oracle.charAt(oracle.length - 1)
    const pairs: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' }
    this.#at = start + oracle.length
    this.#until((pairs[open] ?? open) + "'", 's')
    return true
  }

  /** Reads what begins with a sign. */
  #sign(char: string): void {
    if (char === '$') {
      const dollars = this.#match(dollarQuote)
      if (dollars !== undefined) this.#until(dollars, 's')
      else this.#operator(char)
    } else if (char === ':' && this.#match(cast) !== undefined) return
    else if (char === '.' && this.#match(number) !== undefined) this.#number()
    else if (char === '@' && this.#variable()) return
    else if (isPunctuation(char)) {
      this.#at += 1
      this.#push(char, '')
    } else this.#operator(char)
  }

  /** `@x` is as often somebody's name as a variable; the rest of text has no `@@x`. */
  #variable(): boolean {
    const found = this.#match(variable)
    if (found !== undefined) this.#push(/^@\w/.test(found) ? 'i' : 'v', '')
    return found !== undefined
  }

  #operator(char: string): void {
    if (char === '\\' && this.#value.charAt(this.#at + 1) === 'N') {
      this.#at += 2
      this.#push('v', 'null')
      return
    }
    const sign = this.#match(operator)
    if (sign === undefined) {
      this.#at += 1
      // A dot that joins two parts of a name; elsewhere it and bytes that SQL has no use for are text.
      const joins = char === '.' && !/^[\s.]|^$/.test(this.#value.charAt(this.#at))
      this.#push(joins ? '.' : 't', char)
    } else if (sign === '&&' || sign === '||') this.#push('a', sign)
    else if (comparisons.has(sign)) this.#push('=', sign)
    else if (sign === '==') this.#push('j', sign)
    else this.#push(foreign.has(sign) ? 't' : 'o', sign)
  }

  /** A number may have a word stuck to it, which is one of SQL's or makes the whole a name, as in `3rd`. */
  #number(): void {
    const start = this.#at
    const sticks = (this.#classAt(start) & LETTER) !== 0 || this.#value.charCodeAt(start) === DOT
    const letters = sticks ? this.#match(stuck) : undefined
    if (letters === undefined) this.#push('1', '')
    else if (letters.includes('.')) {
      if (letters.length > 2) this.#push('O', '')
      else this.#push('n', '')
      this.#at -= 1
    } else {
      const text = letters.toLowerCase()
      const skip = jamming.has(text) ? 0 : /^[fd]/.test(text) && jamming.has(text.slice(1)) ? 1 : -1
      if (skip < 0) this.#push('n', '')
      else {
        this.#at = start + skip
        this.#push('1', '')
      }
    }
  }

  #word(name: string): void {
    const text = name.length > maxWord ? '' : name.toLowerCase()
    const gap = this.#parenthesis()
    if (gap >= 0) {
      const last = text.slice(text.lastIndexOf('.') + 1)
      const loud = functionWords.get(last)
      if (loud !== undefined && (gap === 0 || loud === 'G')) {
        this.#push(loud, last)
        return
      }
    }
    const kind = sqlWords.get(text) ?? 'n'
    // The local part of an e-mail address is no word of its own.
    if (kind === 'n' && this.#value.charAt(this.#at) === '@') this.#match(variable)
    if (kind === 'n' && gap === 0) this.#push('m', text)
    else this.#push(kind, text)
  }

  /** How much white space is in front of an opening parenthesis here, or -1 when none follows soon. */
  #parenthesis(): number {
    let at = this.#at
    while (at < this.#at + 16 && this.#value.charCodeAt(at) <= 32) at += 1
    return this.#value.charCodeAt(at) === 40 ? at - this.#at : -1
  }

  #until(end: string, kind: TokenKind): void {
    const stop = this.#find(end, this.#at)
    this.#at = stop < 0 ? this.#value.length : stop + end.length
    this.#push(kind, '')
  }

  #find(end: string, from: number): number {
    if (this.#missing?.has(end) === true) return -1
    const at = this.#value.indexOf(end, from)
    if (at < 0) (this.#missing ??= new Set()).add(end)
    return at
  }

  /** A version comment is read, for MySQL runs what it says; others are white space, but one that never ends hides the rest. */
  #blockComment(): void {
    if (this.#match(versionComment) !== undefined) {
      this.#conditional = true
      return
    }
    const end = this.#find('*/', this.#at + 2)
    if (end < 0) this.#push('C', '')
    this.#at = end < 0 ? this.#value.length : end + 2
  }

  #dashComment(): boolean {
    const after = this.#value.charCodeAt(this.#at + 2)
    if (this.#style === 'mysql' && after > 32) return false
    this.#lineComment()
    return true
  }

  #lineComment(): void {
    const end = this.#value.indexOf('\n', this.#at)
    const dashes = this.#value.charAt(this.#at) === '-'
    const rest = this.#value.slice(this.#at + (dashes ? 2 : 1), this.#at + 64).trim()
    const vague = dashes ? /\w/.test(this.#value.charAt(this.#at + 2)) : rest !== ''
    this.#at = end < 0 ? this.#value.length : end + 1
    this.#push(vague ? 'h' : /\w/.test(rest) ? 'd' : 'c', '')
  }

  #match(sticky: RegExp): string | undefined {
    const start = this.#at
    sticky.lastIndex = start
    if (!sticky.test(this.#value) || sticky.lastIndex === start) return undefined
    this.#at = sticky.lastIndex
    return this.#value.slice(start, this.#at)
  }

  #push(kind: TokenKind, text: string): void {
    this.#token = { kind, text }
  }
}

function isPunctuation(char: string): char is '(' | ')' | ',' | ';' | '{' | '}' {
  return '(),;{}'.includes(char)
}
