/** Parts of HTML that can run script; plain text and the names of end tags are skipped. */
export type HtmlToken =
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'attribute'; readonly name: string; readonly value: string | undefined }
  /** `<!...>`, `<?...>`, `<%...>` and comments, without the `<!` or `<!--`. */
  | { readonly kind: 'declaration'; readonly text: string }
  | { readonly kind: 'comment'; readonly text: string }

/** Where the value is pasted: between tags, or into an attribute value with these quotes (none: unquoted). */
export type HtmlContext = 'text' | 'unquoted' | "'" | '"' | '`'

/** Tokens looked at in one value. */
const maxTokens = 4096

const spaceOrSlash = /[\0-\x20\xa0/]+/y
const tagName = /[A-Za-z\0][\0!-.0-=?-\x9f\xa1-\xff]*/y
// All but white space and control bytes, slash, equals sign and the end of the tag.
const attributeName = /[\0!-.0-<?-\x9f\xa1-\xff]+/y
const equals = /[\0-\x20]*=[\0-\x20]*/y
const unquoted = /[^\0-\x20>]*/y

/** Splits a value as a browser would read it in a context (HTML standard, section 13.2.5, with the leniences of old browsers). Linear. */
export function tokenizeHtml(value: string, context: HtmlContext): readonly HtmlToken[] {
  const scanner = new Scanner(value)
  if (context !== 'text') {
    scanner.skipValue(context)
    scanner.attributes()
  }
  scanner.text()
  return scanner.tokens
}

class Scanner {
  readonly tokens: HtmlToken[] = []
  readonly #value: string
  #at = 0

  constructor(value: string) {
    this.#value = value
  }

  /** Goes behind the end of the attribute value that the value begins in. */
  skipValue(context: Exclude<HtmlContext, 'text'>): void {
    if (context === 'unquoted') {
      this.#match(unquoted)
      return
    }
    const end = this.#value.indexOf(context)
    this.#at = end < 0 ? this.#value.length : end + 1
  }

  text(): void {
    while (this.tokens.length < maxTokens) {
      const open = this.#value.indexOf('<', this.#at)
      if (open < 0) return
      this.#at = open + 1
      const next = this.#value.charAt(this.#at)
      if (next === '!') this.#declaration()
      else if (next === '?' || next === '%') {
        const text = this.#until('>')
        this.#push({ kind: 'declaration', text })
      } else if (next === '/') this.#endTag()
      else {
        const name = this.#match(tagName)
        if (name === undefined) continue
        this.#push({ kind: 'tag', name: plain(name) })
        this.attributes()
      }
    }
  }

  /** Reads attributes up to the end of the tag. */
  attributes(): void {
    while (this.tokens.length < maxTokens) {
      this.#match(spaceOrSlash)
      if (this.#at >= this.#value.length) return
      if (this.#value.charAt(this.#at) === '>') {
        this.#at += 1
        return
      }
      // A tag inside a tag: whoever reads this as broken markup may begin anew here.
      if (this.#value.charAt(this.#at) === '<') return
      if (this.#value.charAt(this.#at) === '=') {
        this.#late()
        continue
      }
      const name = this.#match(attributeName)
      if (name === undefined) {
        this.#at += 1
        continue
      }
      const value = this.#match(equals) === undefined ? undefined : this.#attributeValue()
      this.#push({ kind: 'attribute', name: plain(name), value })
    }
  }

  /** A value after a slash belongs to the name before it in old browsers, as in `onerror/=x`. */
  #late(): void {
    this.#match(equals)
    const last = this.tokens.at(-1)
    if (last?.kind !== 'attribute' || last.value !== undefined) return
    this.tokens[this.tokens.length - 1] = { ...last, value: this.#attributeValue() }
  }

  #attributeValue(): string {
    const quote = this.#value.charAt(this.#at)
    if (quote !== "'" && quote !== '"' && quote !== '`') return this.#match(unquoted) ?? ''
    const end = this.#value.indexOf(quote, this.#at + 1)
    const value = this.#value.slice(this.#at + 1, end < 0 ? undefined : end)
    this.#at = end < 0 ? this.#value.length : end + 1
    return value
  }

  /** Browsers drop the attributes of end tags; old ones did not. */
  #endTag(): void {
    this.#at += 1
    this.#match(tagName)
    this.attributes()
  }

  #declaration(): void {
    this.#at += 1
    if (!this.#value.startsWith('--', this.#at)) {
      this.#push({ kind: 'declaration', text: this.#until('>') })
      return
    }
    const start = this.#at + 2
    if (this.#value.charAt(start) === '>') {
      this.#at = start + 1
      return
    }
    const end = this.#value.indexOf('--', start)
    const close = end < 0 ? -1 : this.#value.indexOf('>', end)
    this.#push({ kind: 'comment', text: this.#value.slice(start, close < 0 ? undefined : close) })
    this.#at = close < 0 ? this.#value.length : close + 1
  }

  #until(end: string): string {
    const stop = this.#value.indexOf(end, this.#at)
    const text = this.#value.slice(this.#at, stop < 0 ? undefined : stop)
    this.#at = stop < 0 ? this.#value.length : stop + end.length
    return text
  }

  #match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#value)
    if (found === null || found[0] === '') return undefined
    this.#at = sticky.lastIndex
    return found[0]
  }

  #push(token: HtmlToken): void {
    this.tokens.push(token)
  }
}

/** Old browsers skipped NUL bytes inside names. */
function plain(name: string): string {
  return name.replaceAll('\0', '').toLowerCase()
}
