import { utf8Bytes } from './bytes.js'
import { ProofError } from './errors.js'

/** A value of the profile that entries are written in: no null, and every number an integer. */
export type CanonicalValue =
  string | number | boolean | readonly CanonicalValue[] | { readonly [key: string]: CanonicalValue }

/** An object of {@link CanonicalValue}s. */
export type CanonicalObject = { readonly [key: string]: CanonicalValue }

/** Whether a value is an object, as opposed to a list or a plain value. */
export function isCanonicalObject(value: CanonicalValue): value is CanonicalObject {
  return typeof value === 'object' && !Array.isArray(value)
}

/** Nesting at which {@link canonicalize} gives up; the profile of entries allows far less. */
const MAX_DEPTH = 500

const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * The canonical JSON text of a value (RFC 8785): members sorted by UTF-16 code units, numbers as ECMAScript writes them,
 * the shortest string escapes, no white space. Nothing is repaired or dropped: what JSON cannot say is an error.
 *
 * @param value null, booleans, finite numbers, well-formed strings, arrays without holes and plain objects of those
 * @throws ProofError `not_canonical` for anything else, naming its place (`$.a[3]`)
 */
export function canonicalize(value: unknown): string {
  return new CanonicalWriter().write(value)
}

/** {@link canonicalize} as UTF-8. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8Bytes(canonicalize(value))
}

class CanonicalWriter {
  /** Keys and indexes that lead to the value that is being written; spelt only when something is wrong with it. */
  readonly #path: (string | number)[] = []

  write(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'number':
        if (!Number.isFinite(value)) throw this.#refusal(`${value} is not a JSON number`)
        // ECMAScript's own number-to-string is the algorithm that RFC 8785 section 3.2.2.3 refers to; it writes −0 as 0.
        return String(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'object':
        if (value === null) return 'null'
        if (this.#path.length >= MAX_DEPTH) throw this.#refusal(`nested deeper than ${MAX_DEPTH}`)
        return Array.isArray(value) ? this.#array(value) : this.#object(value)
      default:
        throw this.#refusal(`a ${typeof value} has no JSON form`)
    }
  }

  #string(text: string): string {
    if (isPlain(text)) return `"${text}"`
    if (LONE_SURROGATE.test(text)) throw this.#refusal('a lone surrogate has no UTF-8 form')
    return JSON.stringify(text)
  }

  #array(items: readonly unknown[]): string {
    let text = '['
    for (let i = 0; i < items.length; i++) {
      if (i > 0) text += ','
      this.#path.push(i)
      text += this.write(items[i])
      this.#path.pop()
    }
    return `${text}]`
  }

  #object(object: object): string {
    const prototype: unknown = Object.getPrototypeOf(object)
    if (prototype !== Object.prototype && prototype !== null)
      throw this.#refusal('only plain objects have a JSON form')
    const members = object as Readonly<Record<string, unknown>>
    let text = '{'
    // The default order of sort() is by UTF-16 code units, as RFC 8785 section 3.2.3 asks.
    for (const key of Object.keys(members).sort()) {
      if (text.length > 1) text += ','
      text += `${this.#string(key)}:`
      this.#path.push(key)
      text += this.write(members[key])
      this.#path.pop()
    }
    return `${text}}`
  }

  #refusal(message: string): ProofError {
    const steps = this.#path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    return new ProofError('not_canonical', `$${steps.join('')}: ${message}`)
  }
}

/** Longer texts are quicker left to the engine. */
const SHORT = 256

/** Whether a text is short and of printable ASCII that JSON does not escape: most are. */
function isPlain(text: string): boolean {
  if (text.length > SHORT) return false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false
  }
  return true
}
