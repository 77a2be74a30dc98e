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

function refuse(message: string, path: string): ProofError {
  return new ProofError('not_canonical', `${path === '' ? 'the value' : path}: ${message}`)
}

/**
 * The canonical JSON text of a value (RFC 8785): members sorted by UTF-16 code units, numbers as ECMAScript writes them,
 * the shortest string escapes, no white space. Nothing is repaired or dropped: what JSON cannot say is an error.
 *
 * @param value null, booleans, finite numbers, well-formed strings, arrays without holes and plain objects of those
 * @throws ProofError `not_canonical` for anything else, naming its place (`$.a[3]`)
 */
export function canonicalize(value: unknown): string {
  return write(value, '$', 0)
}

/** {@link canonicalize} as UTF-8. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8Bytes(canonicalize(value))
}

function write(value: unknown, path: string, depth: number): string {
  switch (typeof value) {
    case 'string':
      return writeString(value, path)
    case 'number':
      if (!Number.isFinite(value)) throw refuse(`${value} is not a JSON number`, path)
      // ECMAScript's own number-to-string is the algorithm that RFC 8785 section 3.2.2.3 refers to; it writes −0 as 0.
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth >= MAX_DEPTH) throw refuse(`nested deeper than ${MAX_DEPTH}`, path)
      return Array.isArray(value) ? writeArray(value, path, depth) : writeObject(value, path, depth)
    default:
      throw refuse(`a ${typeof value} has no JSON form`, path)
  }
}

function writeString(text: string, path: string): string {
  if (LONE_SURROGATE.test(text)) throw refuse('a lone surrogate has no UTF-8 form', path)
  return JSON.stringify(text)
}

function writeArray(items: readonly unknown[], path: string, depth: number): string {
  let text = '['
  for (let i = 0; i < items.length; i++) {
    if (i > 0) text += ','
    text += write(items[i], `${path}[${i}]`, depth + 1)
  }
  return `${text}]`
}

function writeObject(object: object, path: string, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null)
    throw refuse('only plain objects have a JSON form', path)
  let text = '{'
  // The default order of sort() is by UTF-16 code units, as RFC 8785 section 3.2.3 asks.
  const members: [string, unknown][] = Object.entries(object)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, member] of members) {
    if (text.length > 1) text += ','
    text += `${writeString(key, path)}:${write(member, `${path}.${key}`, depth + 1)}`
  }
  return `${text}}`
}
