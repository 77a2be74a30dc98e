import { functionWords, sqlWords } from './sql-words.js'
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

/** Characters of a word that matter; longer ones are names. */
const maxWord = 32

const space = /[\0-\x20\xa0]+/y
const word = /[A-Za-z_\x80-\xff][\w$\x80-\xff]*(?:\.[A-Za-z_\x80-\xff][\w$\x80-\xff]*)*/y
const number = /0[xX][0-9a-fA-F]*|0[bB][01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const variable = /@@?(?:[\w$.\x80-\xff]+|`[^`]*`|'[^']*'|"[^"]*")?/y
const operator = /<=>|<>|<=|>=|<<|>>|!=|!<|!>|:=|\|\||&&|::|->>?|[-+*/%^~!=<>|&:?@#\\.]/y
const prefixedString =
  /(?:[nNeE]|[uU]&|_[A-Za-z][A-Za-z0-9]{0,20} ?)(?=')|[xX](?='[0-9a-fA-F]*')|[bB](?='[01]*')/y
const dollarQuote = /\$(?:[A-Za-z_]\w*)?\$/y
const oracleQuote = /[nN]?[qQ]'[^\s]/y

/** Splits a value into SQL tokens as it would be read inside the given quotes. Linear: each byte is read a bounded number of times. */
export class SqlTokenizer {
  readonly #value: string
  readonly #style: CommentStyle
  #at = 0
  #token: Token | undefined
  /** Ends that were looked for in vain need not be looked for again. */
  readonly #missing = new Set<string>()
  #count = 0

  constructor(value: string, quote: Quote, style: CommentStyle) {
    this.#value = value
    this.#style = style
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
    if (this.#match(space) !== undefined) return
    const char = this.#value.charAt(this.#at)
    if (char === "'" || char === '"') {
      this.#at += 1
      this.#string(char)
    } else if (char === '`') {
      this.#at += 1
      this.#until('`', 'n')
    } else if (char === '[') this.#bracketed()
    else if (char === '/' && this.#value.charAt(this.#at + 1) === '*') this.#blockComment()
    else if (char === '-' && this.#value.charAt(this.#at + 1) === '-' && this.#dashComment()) return
    else if (char === '#' && this.#style === 'mysql') this.#lineComment()
    else if (this.#special()) return
    else this.#plain(char)
  }

  /** Reads a string whose opening quote is behind the cursor: a doubled quote and a backslash escape the next one. */
  #string(quote: string, kind: TokenKind = 's'): void {
    const value = this.#value
    let at = this.#at
    for (;;) {
      const end = value.indexOf(quote, at)
      if (end < 0) {
        this.#push(quote === '"' ? 'P' : 'p', '')
        this.#at = value.length
        return
      }
      let slashes = 0
      while (end - 1 - slashes >= at && value.charCodeAt(end - 1 - slashes) === 92) slashes += 1
      if (slashes % 2 === 1) at = end + 1
      else if (value.charAt(end + 1) === quote) at = end + 2
      else {
        this.#at = end + 1
        this.#push(kind, '')
        return
      }
    }
  }

  #special(): boolean {
    const prefix = this.#match(prefixedString)
    if (prefix !== undefined) {
      this.#at += 1
      this.#string("'")
      return true
    }
    const dollars = this.#match(dollarQuote)
    if (dollars !== undefined) {
      this.#until(dollars, 's')
      return true
    }
    const start = this.#at
    const oracle = this.#match(oracleQuote)
    if (oracle !== undefined) {
      const open = oracle.charAt(oracle.length - 1)
      const pairs: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' }
      this.#at = start + oracle.length
      this.#until((pairs[open] ?? open) + "'", 's')
      return true
    }
    return false
  }

  #plain(char: string): void {
    const name = this.#match(word)
    if (name !== undefined) {
      this.#word(name)
      return
    }
    const digits = this.#match(number)
    if (digits !== undefined) {
      this.#push('1', '')
      return
    }
    const at = this.#match(variable)
    if (at !== undefined) {
      this.#push('v', '@')
      return
    }
    if ('(),;{}'.includes(char)) {
      this.#at += 1
      this.#push(punctuation(char), char)
      return
    }
    const sign = this.#match(operator)
    if (sign === undefined) {
      // A byte that SQL has no use for is part of a name.
      this.#at += 1
      this.#push('n', char)
    } else if (sign === '&&' || sign === '||') this.#push('&', sign)
    else if (sign !== '.') this.#push('o', sign)
  }

  #word(name: string): void {
    const text = name.length > maxWord ? '' : name.toLowerCase()
    const called = /[\s(]/.test(this.#value.charAt(this.#at)) && this.#opensParenthesis()
    const last = text.slice(text.lastIndexOf('.') + 1)
    if (called && functionWords.has(last)) this.#push('f', last)
    else {
      const kind = sqlWords.get(text) ?? 'n'
      this.#push(kind === 'f' ? 'n' : kind, text)
    }
  }

  #opensParenthesis(): boolean {
    let at = this.#at
    // White space between a name and its parenthesis: a little is looked over.
    while (at < this.#at + 16 && this.#value.charCodeAt(at) <= 32) at += 1
    return this.#value.charCodeAt(at) === 40
  }

  #bracketed(): void {
    this.#at += 1
    this.#until(']', 'n')
  }

  #until(end: string, kind: TokenKind): void {
    const stop = this.#missing.has(end) ? -1 : this.#value.indexOf(end, this.#at)
    if (stop < 0) this.#missing.add(end)
    this.#at = stop < 0 ? this.#value.length : stop + end.length
    this.#push(kind, '')
  }

  #blockComment(): void {
    const start = this.#at + 2
    const conditional = this.#value.charAt(start) === '!'
    const end = this.#value.indexOf('*/', start)
    const inside = end < 0 ? this.#value.slice(start) : this.#value.slice(start, end)
    this.#at = end < 0 ? this.#value.length : end + 2
    if (conditional || inside.includes('/*')) this.#push('X', '')
    else if (end < 0) this.#push('c', '')
    else if (this.#count === 0 && inside === '') return
  }

  #dashComment(): boolean {
    const after = this.#value.charCodeAt(this.#at + 2)
    if (this.#style === 'mysql' && after > 32) return false
    this.#lineComment()
    return true
  }

  #lineComment(): void {
    const end = this.#value.indexOf('\n', this.#at)
    const vague = this.#value.charAt(this.#at) === '#' || /\w/.test(this.#value.charAt(this.#at + 2))
    this.#at = end < 0 ? this.#value.length : end + 1
    this.#push(vague ? 'h' : 'c', '')
  }

  #match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#value)
    if (found === null || found[0] === '') return undefined
    this.#at = sticky.lastIndex
    return found[0]
  }

  #push(kind: TokenKind, text: string): void {
    this.#token = { kind, text }
    this.#count += 1
  }
}

function punctuation(char: string): TokenKind {
  switch (char) {
    case '(':
      return '('
    case ')':
      return ')'
    case ',':
      return ','
    case ';':
      return ';'
    case '{':
      return '{'
    default:
      return '}'
  }
}
