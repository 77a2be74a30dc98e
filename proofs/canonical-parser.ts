import type { CanonicalValue } from './canonical-json.js'
import { decodeUtf8 } from './bytes.js'
import { ProofError } from './errors.js'

/** Bounds of {@link parseCanonical}. */
export interface CanonicalLimits {
  /** Most bytes. */
  readonly maxBytes: number
  /** Deepest nesting of arrays and objects: `1` has depth 0, `{}` 1, `{"a":[{}]}` 3. */
  readonly maxDepth: number
}

/** The bounds of an action. */
export const ACTION_LIMITS: CanonicalLimits = { maxBytes: 60_000, maxDepth: 8 }

/**
 * Reads received bytes that must be the canonical form (RFC 8785) of a value of our profile: integers within ±(2^53−1),
 * keys of `[a-z0-9_]`, no null, no duplicate keys, no lone surrogates. Bytes are accepted or refused as they are, never
 * repaired; the work is linear in their number.
 *
 * @throws ProofError `too_large`; `duplicate_key` when an object names a key twice, whatever else is wrong before it;
 *   `not_canonical` for every other departure, naming the first one and its character offset
 */
export function parseCanonical(bytes: Uint8Array, limits: CanonicalLimits = ACTION_LIMITS): CanonicalValue {
  if (bytes.length > limits.maxBytes)
    throw new ProofError('too_large', `${bytes.length} bytes of JSON, more than ${limits.maxBytes}`)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new ProofError('not_canonical', 'the JSON is not UTF-8')
  return new CanonicalParser(text, limits.maxDepth).parse()
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Two-character escapes; `/` is legal JSON but never canonical. */
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isKeyCharacter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || isDigit(code) || code === 0x5f
}

/**
 * It reads all of JSON, notes the first departure from the canonical profile and goes on, so that a duplicate key after
 * it is still found and called by its name. A value is only handed out when nothing was noted.
 */
class CanonicalParser {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0
  #departure: string | undefined

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  parse(): CanonicalValue {
    this.#skipSpace()
    const value = this.#value(0)
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#broken('more than one value')
    if (this.#departure !== undefined) throw new ProofError('not_canonical', this.#departure)
    return value
  }

  #broken(what: string): ProofError {
    return new ProofError('not_canonical', this.#departure ?? `${what} at character ${this.#at}`)
  }

  #note(what: string, at = this.#at): void {
    this.#departure ??= `${what} at character ${at}`
  }

  #code(): number {
    return this.#at < this.#text.length ? this.#text.charCodeAt(this.#at) : -1
  }

  #skipSpace(): void {
    for (let code = this.#code(); code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;) {
      this.#note('white space')
      this.#at++
      code = this.#code()
    }
  }

  #value(depth: number): CanonicalValue {
    const code = this.#code()
    if (code === QUOTE) return this.#string()
    if (code === OPEN_BRACE) return this.#object(depth + 1)
    if (code === OPEN_BRACKET) return this.#array(depth + 1)
    if (code === MINUS || isDigit(code)) return this.#number()
    if (this.#literal('true')) return true
    if (this.#literal('false')) return false
    if (this.#literal('null')) {
      this.#note('null', this.#at - 4)
      return false
    }
    throw this.#broken('no JSON value')
  }

  #literal(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth) throw this.#broken(`nesting deeper than ${this.#maxDepth}`)
    this.#at++
    this.#skipSpace()
  }

  #object(depth: number): CanonicalValue {
    this.#enter(depth)
    const object: Record<string, CanonicalValue> = {}
    if (this.#code() === CLOSE_BRACE) {
      this.#at++
      return object
    }
    let previous = ''
    for (let first = true; ; first = false) {
      const start = this.#at
      const key = this.#key()
      if (!first && key <= previous) {
        if (Object.hasOwn(object, key))
          throw new ProofError('duplicate_key', `the key ${JSON.stringify(key)} again at character ${start}`)
        this.#note('a key out of order', start)
      }
      previous = !first && key < previous ? previous : key
      this.#skipSpace()
      if (this.#code() !== COLON) throw this.#broken('no colon after a key')
      this.#at++
      this.#skipSpace()
      setMember(object, key, this.#value(depth))
      this.#skipSpace()
      if (!this.#next(CLOSE_BRACE)) return object
    }
  }

  #array(depth: number): CanonicalValue {
    this.#enter(depth)
    const items: CanonicalValue[] = []
    if (this.#code() === CLOSE_BRACKET) {
      this.#at++
      return items
    }
    for (;;) {
      items.push(this.#value(depth))
      this.#skipSpace()
      if (!this.#next(CLOSE_BRACKET)) return items
    }
  }

  /** After a member: true when another one follows, false when the container was closed. */
  #next(close: number): boolean {
    const code = this.#code()
    if (code !== COMMA && code !== close) throw this.#broken('neither a comma nor the end of a container')
    this.#at++
    if (code === close) return false
    this.#skipSpace()
    return true
  }

  #number(): number {
    const start = this.#at
    if (this.#code() === MINUS) this.#at++
    const digits = this.#at
    while (isDigit(this.#code())) this.#at++
    if (this.#at === digits) throw this.#broken('no digit in a number')
    if (this.#text.charCodeAt(digits) === 0x30 && this.#at > digits + 1) throw this.#broken('a leading zero')
    if (this.#at - digits > 16) this.#note('an integer beyond 2^53−1', start)
    this.#fraction(start)
    const value = Number(this.#text.slice(start, Math.min(this.#at, start + 32)))
    if (!Number.isSafeInteger(value)) this.#note('an integer beyond 2^53−1', start)
    if (Object.is(value, -0)) this.#note('a negative zero', start)
    return value
  }

  #fraction(start: number): void {
    const integerEnd = this.#at
    if (this.#code() === 0x2e) {
      this.#at++
      const digits = this.#at
      while (isDigit(this.#code())) this.#at++
      if (this.#at === digits) throw this.#broken('no digit after a decimal point')
    }
    const code = this.#code()
    if (code === 0x65 || code === 0x45) {
      this.#at++
      if (this.#code() === 0x2b || this.#code() === MINUS) this.#at++
      const digits = this.#at
      while (isDigit(this.#code())) this.#at++
      if (this.#at === digits) throw this.#broken('no digit in an exponent')
    }
    if (this.#at > integerEnd) this.#note('a number that is not written as an integer', start)
  }

  #key(): string {
    if (this.#code() !== QUOTE) throw this.#broken('no key')
    const start = this.#at
    let at = start + 1
    while (at < this.#text.length && isKeyCharacter(this.#text.charCodeAt(at))) at++
    if (at > start + 1 && this.#text.charCodeAt(at) === QUOTE) {
      this.#at = at + 1
      return this.#text.slice(start + 1, at)
    }
    const key = this.#string()
    this.#note('a key that is not of [a-z0-9_]', start)
    return key
  }

  #string(): string {
    const text = this.#text
    const start = this.#at + 1
    let at = start
    let decoded = ''
    let plain = start
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) break
      if (code < 0x20) {
        this.#at = at
        throw this.#broken('a control character in a string')
      }
      if (code !== BACKSLASH) continue
      decoded += text.slice(plain, at)
      this.#at = at
      decoded += this.#escape()
      plain = this.#at
      at = plain - 1
    }
    if (at >= text.length) throw this.#broken('a string without end')
    this.#at = at + 1
    return decoded === '' ? text.slice(start, at) : decoded + text.slice(plain, at)
  }

  /** Reads one escape (for a surrogate pair in escapes: both) and moves behind it. */
  #escape(): string {
    const start = this.#at
    const letter = this.#text.charAt(start + 1)
    const short = SHORT_ESCAPES.get(letter)
    if (short !== undefined) {
      this.#at = start + 2
      if (letter === '/') this.#note('a needless escape', start)
      return short
    }
    const unit = this.#hex(start)
    this.#at = start + 6
    if (unit >= 0xd800 && unit <= 0xdbff && this.#text.startsWith('\\u', this.#at)) {
      const low = this.#hex(this.#at)
      if (low >= 0xdc00 && low <= 0xdfff) {
        this.#at += 6
        this.#note('a needless escape', start)
        return String.fromCharCode(unit, low)
      }
    }
    const character = String.fromCharCode(unit)
    if (unit >= 0xd800 && unit <= 0xdfff) this.#note('a lone surrogate', start)
    else if (JSON.stringify(character) !== `"${this.#text.slice(start, start + 6)}"`)
      this.#note('a needless escape', start)
    return character
  }

  #hex(start: number): number {
    const digits = this.#text.slice(start + 2, start + 6)
    if (this.#text.charAt(start + 1) !== 'u' || !/^[0-9a-fA-F]{4}$/.test(digits))
      throw this.#broken('a malformed escape')
    return Number.parseInt(digits, 16)
  }
}

/** Plain assignment would change the prototype where the key is `__proto__`. */
function setMember(object: Record<string, CanonicalValue>, key: string, value: CanonicalValue): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
