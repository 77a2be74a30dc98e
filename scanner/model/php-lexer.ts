/** What one token is. `html` is everything outside the tags of PHP, as one token for each stretch. */
export type PhpTokenKind =
  'html' | 'comment' | 'name' | 'variable' | 'number' | 'string' | 'shell' | 'member' | 'punctuation'

const FNV_OFFSET = 0x811c9dc5

/** One step of FNV-1a, 32 bits. */
export const fnv = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193)

/** FNV-1a of a lower-case ASCII text, as the lexer computes it for names and variables. */
export function fnvOf(text: string): number {
  let hash = FNV_OFFSET
  for (let at = 0; at < text.length; at++) hash = fnv(hash, text.charCodeAt(at))
  return hash
}

/** What a byte may be part of. */
const SPACE = 1
const DIGIT = 2
const LETTER = 4

const CLASS = new Uint8Array(256)
for (const byte of [9, 10, 11, 12, 13, 32]) CLASS[byte] = SPACE
for (let byte = 0x30; byte <= 0x39; byte++) CLASS[byte] = DIGIT
for (let byte = 0; byte < 256; byte++)
  if ((byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte >= 0x80)
    CLASS[byte] = LETTER

export const isLetter = (byte: number | undefined): boolean => CLASS[byte ?? 0] === LETTER
const isSpace = (byte: number | undefined): boolean => CLASS[byte ?? 0] === SPACE
const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)

const LF = 0x0a
const BACKSLASH = 0x5c
const HALT_COMPILER = fnvOf('__halt_compiler')

/**
 * Cuts a file into the tokens of PHP, well enough to count them and never failing: what is not closed ends with the file.
 * Every byte is consumed once, so the time is linear in the length whatever the bytes are. The current token stands in the
 * fields, since one object for each of millions of tokens would cost more than reading them.
 */
export class PhpLexer {
  kind: PhpTokenKind = 'html'
  /** Offsets of the token; of what is between the quotes, for a string. */
  start = 0
  end = 0
  /** FNV-1a of a name (after its last backslash) or variable, in lower case; the byte of a punctuation. */
  hash = 0

  readonly #bytes: Buffer
  #at = 0
  #php = false
  #halted = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Goes to the next token. @returns false at the end */
  next(): boolean {
    while (this.#at < this.#bytes.length) {
      if (!this.#php) {
        const start = this.#at
        const open = this.#halted ? undefined : findOpenTag(this.#bytes, start, true)
        this.#at = open?.end ?? this.#bytes.length
        this.#php = open !== undefined
        const end = open?.start ?? this.#bytes.length
        if (end > start) return this.#token('html', start, end)
      } else if (this.#nextInPhp()) return true
    }
    return false
  }

  #token(kind: PhpTokenKind, start: number, end: number, hash = 0): true {
    this.kind = kind
    this.start = start
    this.end = end
    this.hash = hash
    return true
  }

  /** @returns false when what was read is no token (white space, the closing tag) */
  #nextInPhp(): boolean {
    const bytes = this.#bytes
    const start = this.#at
    const byte = bytes[start] ?? 0
    const following = bytes[start + 1]
    const byteClass = CLASS[byte]
    if (byteClass === SPACE) {
      while (isSpace(bytes[this.#at])) this.#at++
      return false
    }
    if (byteClass === LETTER || (byte === BACKSLASH && isLetter(following))) return this.#name()
    if (byteClass === DIGIT) return this.#number()
    switch (byte) {
      case 0x24: // $
        return isLetter(following) ? this.#variable() : this.#punctuation(byte)
      case 0x27: // '
      case 0x22: // "
        return this.#quoted('string', byte)
      case 0x60: // `
        return this.#quoted('shell', byte)
      case 0x23: // #, but not of an attribute
        return following === 0x5b ? this.#punctuation(byte) : this.#lineComment()
      case 0x2f: // /
        if (following === 0x2f) return this.#lineComment()
        return following === 0x2a ? this.#blockComment() : this.#punctuation(byte)
      case 0x3f: // ?
        if (following !== 0x3e) return this.#punctuation(byte)
        this.#at += 2
        this.#php = false
        return false
      case 0x2d: // -
        return following === 0x3e ? this.#member() : this.#punctuation(byte)
      case 0x3a: // :
        return following === 0x3a ? this.#member() : this.#punctuation(byte)
      case 0x3c: // <
        return following === 0x3c && bytes[start + 2] === 0x3c ? this.#heredoc() : this.#punctuation(byte)
      default:
        return this.#punctuation(byte)
    }
  }

  #punctuation(byte: number): true {
    const start = this.#at++
    return this.#token('punctuation', start, this.#at, byte)
  }

  #member(): true {
    const start = this.#at
    this.#at += 2
    return this.#token('member', start, this.#at)
  }

  #name(): true {
    const bytes = this.#bytes
    const start = this.#at
    let hash = FNV_OFFSET
    let end = start
    for (; end < bytes.length; end++) {
      const byte = bytes[end] ?? 0
      if (byte === BACKSLASH) hash = FNV_OFFSET
      else if (CLASS[byte] === LETTER || CLASS[byte] === DIGIT) hash = fnv(hash, lower(byte))
      else break
    }
    this.#at = end
    if (hash === HALT_COMPILER) {
      this.#halted = true
      this.#php = false
    }
    return this.#token('name', start, end, hash)
  }

  #variable(): true {
    const bytes = this.#bytes
    const start = this.#at
    let hash = FNV_OFFSET
    let end = start + 1
    for (; end < bytes.length; end++) {
      const byte = bytes[end] ?? 0
      if (CLASS[byte] !== LETTER && CLASS[byte] !== DIGIT) break
      hash = fnv(hash, lower(byte))
    }
    this.#at = end
    return this.#token('variable', start, end, hash)
  }

  #number(): true {
    const bytes = this.#bytes
    const start = this.#at
    let end = start + 1
    for (; end < bytes.length; end++) {
      const byte = bytes[end] ?? 0
      if (CLASS[byte] !== DIGIT && CLASS[byte] !== LETTER && byte !== 0x2e) break
    }
    this.#at = end
    return this.#token('number', start, end)
  }

  #quoted(kind: 'string' | 'shell', quote: number): true {
    const bytes = this.#bytes
    const start = this.#at + 1
    let end = start
    while (end < bytes.length && bytes[end] !== quote) end += bytes[end] === BACKSLASH ? 2 : 1
    end = Math.min(end, bytes.length)
    this.#at = end + 1
    return this.#token(kind, start, end)
  }

  #lineComment(): true {
    const bytes = this.#bytes
    const start = this.#at
    let end = start
    while (end < bytes.length && bytes[end] !== LF && !(bytes[end] === 0x3f && bytes[end + 1] === 0x3e)) end++
    this.#at = end
    return this.#token('comment', start, end)
  }

  #blockComment(): true {
    const start = this.#at
    const close = this.#bytes.indexOf('*/', start + 2, 'latin1')
    this.#at = close < 0 ? this.#bytes.length : close + 2
    return this.#token('comment', start, this.#at)
  }

  /** `<<<LABEL` to the line that starts with the label. */
  #heredoc(): true {
    const bytes = this.#bytes
    let at = this.#at + 3
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at++
    if (bytes[at] === 0x22 || bytes[at] === 0x27) at++
    const label = at
    while (isLetter(bytes[at]) || CLASS[bytes[at] ?? 0] === DIGIT) at++
    // PHP sets no bound, but a label of more than this names nothing and would be compared at every line.
    if (at === label || at - label > 64) return this.#punctuation(0x3c)
    const name = bytes.subarray(label, at)
    const start = at
    for (;;) {
      const line = bytes.indexOf(LF, at)
      if (line < 0) {
        this.#at = bytes.length
        return this.#token('string', start, bytes.length)
      }
      at = line + 1
      while (bytes[at] === 0x20 || bytes[at] === 0x09) at++
      if (bytes.compare(name, 0, name.length, at, Math.min(bytes.length, at + name.length)) === 0) {
        this.#at = at + name.length
        return this.#token('string', start, line)
      }
    }
  }
}

/**
 * The next tag that opens PHP.
 * @param short whether `<?=` and `<?` before white space count; in binary data they come about by chance
 */
export function findOpenTag(
  bytes: Buffer,
  from: number,
  short: boolean,
): { readonly start: number; readonly end: number } | undefined {
  for (let start = bytes.indexOf('<?', from, 'latin1'); start >= 0;) {
    const following = bytes[start + 2]
    if (
      following !== undefined &&
      lower(following) === 0x70 &&
      lower(bytes[start + 3] ?? 0) === 0x68 &&
      lower(bytes[start + 4] ?? 0) === 0x70
    )
      return { start, end: start + 5 }
    if (short && following === 0x3d) return { start, end: start + 3 }
    if (short && isSpace(following)) return { start, end: start + 2 }
    start = bytes.indexOf('<?', start + 2, 'latin1')
  }
  return undefined
}
