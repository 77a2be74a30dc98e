import { AgentError } from '../errors.js'

/** A number as it was written: `1.0`, `18446744073709551615` and `1e2` keep their digits. */
export class NumberLexeme {
  constructor(readonly text: string) {}
}

/** A JSON value that loses nothing of what was sent but white space, escapes and the order of keys. */
export type LosslessJson =
  string | boolean | null | NumberLexeme | readonly LosslessJson[] | ReadonlyMap<string, LosslessJson>

/** Containers in containers at most. */
const MAX_DEPTH = 64

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
// oxlint-disable-next-line no-control-regex -- JSON names the characters that a string must not hold raw
const PLAIN = /[^"\\\u0000-\u001f]*/y
const LONE_SURROGATE = /\p{Surrogate}/u
const WORDS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/**
 * Reads JSON (RFC 8259) in linear time. What two readers could understand differently is refused: a key twice in one object, a
 * lone surrogate, containers more than 64 deep.
 *
 * @throws AgentError `TUNNEL_ENVELOPE`
 */
export function parseLosslessJson(text: string): LosslessJson {
  return new Reader(text).whole()
}

class Reader {
  #at = 0

  constructor(readonly text: string) {}

  whole(): LosslessJson {
    const value = this.#value(0)
    this.#space()
    if (this.#at < this.text.length) throw this.#broken('something behind the value')
    return value
  }

  #value(depth: number): LosslessJson {
    this.#space()
    switch (this.text[this.#at]) {
      case '{':
        return this.#object(depth + 1)
      case '[':
        return this.#list(depth + 1)
      case '"':
        return this.#string()
      default:
        return this.#plainValue()
    }
  }

  #plainValue(): LosslessJson {
    for (const [word, value] of WORDS)
      if (this.text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    const number = this.#match(NUMBER)
    if (number === '') throw this.#broken('no value')
    return new NumberLexeme(number)
  }

  #object(depth: number): LosslessJson {
    const members = new Map<string, LosslessJson>()
    if (this.#opened(depth, '}')) return members
    do {
      this.#space()
      if (this.text[this.#at] !== '"') throw this.#broken('no key')
      const key = this.#string()
      if (members.has(key)) throw this.#broken('a key twice')
      this.#space()
      if (this.text[this.#at++] !== ':') throw this.#broken('no colon')
      members.set(key, this.#value(depth))
    } while (this.#more('}'))
    return members
  }

  #list(depth: number): LosslessJson {
    const items: LosslessJson[] = []
    if (this.#opened(depth, ']')) return items
    do items.push(this.#value(depth))
    while (this.#more(']'))
    return items
  }

  /** Steps into a container; true when it ends at once. */
  #opened(depth: number, close: string): boolean {
    if (depth > MAX_DEPTH) throw this.#broken(`containers more than ${MAX_DEPTH} deep`)
    this.#at++
    this.#space()
    if (this.text[this.#at] !== close) return false
    this.#at++
    return true
  }

  #more(close: string): boolean {
    this.#space()
    const sign = this.text[this.#at++]
    if (sign === ',') return true
    if (sign === close) return false
    throw this.#broken('neither a comma nor the end of a container')
  }

  #string(): string {
    this.#at++
    let decoded = ''
    for (;;) {
      decoded += this.#match(PLAIN)
      const sign = this.text[this.#at++]
      if (sign === '"') break
      if (sign !== '\\') throw this.#broken('a control character in a string, or no end of it')
      decoded += this.#escape()
    }
    if (LONE_SURROGATE.test(decoded)) throw this.#broken('a lone surrogate')
    return decoded
  }

  #escape(): string {
    const length = this.text[this.#at] === 'u' ? 5 : 1
    const escape = this.text.slice(this.#at, this.#at + length)
    if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})$/.test(escape)) throw this.#broken('a malformed escape')
    this.#at += length
    return JSON.parse(`"\\${escape}"`) as string
  }

  #space(): void {
    while (' \t\n\r'.includes(this.text[this.#at] ?? '.')) this.#at++
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [found = ''] = pattern.exec(this.text) ?? []
    this.#at += found.length
    return found
  }

  #broken(what: string): AgentError {
    return new AgentError('TUNNEL_ENVELOPE', `no JSON: ${what} at character ${this.#at}`)
  }
}

/**
 * Writes a value as Rust's serde_json does for its `Value`: compact, keys sorted by their UTF-8 bytes on every level, strings
 * in raw UTF-8 with the shortest escapes, numbers as they were read.
 */
export function formatLosslessJson(value: LosslessJson): string {
  if (value instanceof NumberLexeme) return value.text
  if (value instanceof Map) {
    const members = [...(value as ReadonlyMap<string, LosslessJson>)]
      .map(([key, member]) => ({ key, bytes: Buffer.from(key, 'utf8'), member }))
      .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))
    return `{${members.map(({ key, member }) => `${JSON.stringify(key)}:${formatLosslessJson(member)}`).join(',')}}`
  }
  if (Array.isArray(value))
    return `[${value.map((item) => formatLosslessJson(item as LosslessJson)).join(',')}]`
  return JSON.stringify(value)
}

/** What may be sent: strings, booleans, integers up to 2^53−1, and containers of these. */
export type SendableJson =
  string | boolean | number | readonly SendableJson[] | { readonly [key: string]: SendableJson | undefined }

/**
 * @param value members that are undefined are left out
 * @throws RangeError for a number that is no safe integer, or a string that is not well-formed
 */
export function toLosslessJson(value: SendableJson): LosslessJson {
  switch (typeof value) {
    case 'string':
      if (LONE_SURROGATE.test(value)) throw new RangeError('a string with a lone surrogate is not sent')
      return value
    case 'boolean':
      return value
    case 'number':
      if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not sent: no safe integer`)
      return new NumberLexeme(String(value === 0 ? 0 : value))
    default:
      if (Array.isArray(value)) return value.map((item) => toLosslessJson(item as SendableJson))
      return new Map(
        Object.entries(value).flatMap(([key, member]) =>
          member === undefined ? [] : [[key, toLosslessJson(member)] as const],
        ),
      )
  }
}

/** The value as plain JSON for a schema to judge; numbers become doubles. */
export const toPlainJson = (value: LosslessJson): unknown => JSON.parse(formatLosslessJson(value))
