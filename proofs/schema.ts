import { isCanonicalObject } from './canonical-json.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { ProofError } from './errors.js'

/** A string of `minLength` to `maxLength` characters that matches `pattern` (linear, anchored). */
export interface StringSchema {
  readonly type: 'string'
  readonly minLength: number
  readonly maxLength: number
  readonly pattern?: RegExp
  readonly description?: string
}
/** One of a few words. */
export interface WordSchema {
  readonly type: 'word'
  readonly words: readonly string[]
  readonly description?: string
}
export interface IntegerSchema {
  readonly type: 'integer'
  readonly minimum: number
  readonly maximum: number
  readonly description?: string
}
export interface BooleanSchema {
  readonly type: 'boolean'
  readonly description?: string
}
export interface ListSchema {
  readonly type: 'list'
  readonly items: Schema
  readonly minItems: number
  readonly maxItems: number
  readonly unique: boolean
  readonly description?: string
}
/** An object with these keys and no others. */
export interface ObjectSchema {
  readonly type: 'object'
  readonly required: { readonly [key: string]: Schema }
  readonly optional: { readonly [key: string]: Schema }
  /** Both, by key. */
  readonly members: ReadonlyMap<string, Schema>
  readonly description?: string
}
/** An object whose keys are data. */
export interface MapSchema {
  readonly type: 'map'
  readonly keys: RegExp
  readonly values: Schema
  readonly maxProperties: number
  readonly description?: string
}
/**
 * What a member of an action may be. Data, not code: one table is both the checker and the published JSON Schema, so
 * that the two cannot drift apart.
 */
export type Schema =
  StringSchema | WordSchema | IntegerSchema | BooleanSchema | ListSchema | ObjectSchema | MapSchema

/** What is wrong with a value, and where in it: nothing is spelt before something is. */
interface Fault {
  /** `.verdict.status`, below the value. */
  readonly at: string
  readonly message: string
}

const fault = (message: string, at = ''): Fault => ({ at, message })

/**
 * Checks a value against its schema.
 *
 * @param path where the value stands, for messages (`action.verdict.status`)
 * @throws ProofError `malformed_action` that names the place and the expectation
 */
export function checkSchema(schema: Schema, value: CanonicalValue, path: string): void {
  const found = faultOf(schema, value)
  if (found !== undefined) throw new ProofError('malformed_action', `${path}${found.at} ${found.message}`)
}

function faultOf(schema: Schema, value: CanonicalValue): Fault | undefined {
  switch (schema.type) {
    case 'string':
      return faultOfString(schema, value)
    case 'word':
      return typeof value === 'string' && schema.words.includes(value)
        ? undefined
        : fault(`must be one of ${schema.words.join(', ')}`)
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return fault('must be an integer')
      return value < schema.minimum || value > schema.maximum
        ? fault(`must be from ${schema.minimum} to ${schema.maximum}`)
        : undefined
    case 'boolean':
      return typeof value === 'boolean' ? undefined : fault('must be true or false')
    case 'list':
      return faultOfList(schema, value)
    case 'object':
      return faultOfObject(schema, value)
    case 'map':
      return faultOfMap(schema, value)
  }
}

const faultBelow = (place: string, { at, message }: Fault): Fault => fault(message, place + at)

function faultOfString(schema: StringSchema, value: CanonicalValue): Fault | undefined {
  if (typeof value !== 'string') return fault('must be a string')
  // There are at most as many characters as units, and at least half as many.
  const isWithin = value.length >= 2 * schema.minLength && value.length <= schema.maxLength
  const length = isWithin ? value.length : characters(value)
  if (length < schema.minLength) return fault(`is shorter than ${schema.minLength} characters`)
  if (length > schema.maxLength) return fault(`is longer than ${schema.maxLength} characters`)
  return schema.pattern !== undefined && !schema.pattern.test(value)
    ? fault(`must match ${schema.pattern.source}`)
    : undefined
}

/** JSON Schema counts characters, not UTF-16 units. */
function characters(text: string): number {
  let pairs = 0
  for (let i = 0; i + 1 < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0xd800 && unit <= 0xdbff) {
      pairs++
      i++
    }
  }
  return text.length - pairs
}

function faultOfList(schema: ListSchema, value: CanonicalValue): Fault | undefined {
  if (!Array.isArray(value)) return fault('must be a list')
  const items: readonly CanonicalValue[] = value
  if (items.length < schema.minItems || items.length > schema.maxItems)
    return fault(`must have from ${schema.minItems} to ${schema.maxItems} items`)
  for (const [i, item] of items.entries()) {
    const found = faultOf(schema.items, item)
    if (found !== undefined) return faultBelow(`[${i}]`, found)
  }
  return schema.unique && new Set(items).size !== items.length ? fault('must not repeat an item') : undefined
}

function faultOfObject(schema: ObjectSchema, value: CanonicalValue): Fault | undefined {
  if (!isCanonicalObject(value)) return fault('must be an object')
  for (const key of Object.keys(value)) {
    const expected = schema.members.get(key)
    const member = value[key]
    if (expected === undefined) return fault('is not known', `.${key}`)
    if (member === undefined) return fault('is missing', `.${key}`)
    const found = faultOf(expected, member)
    if (found !== undefined) return faultBelow(`.${key}`, found)
  }
  const missing = Object.keys(schema.required).find((key) => !Object.hasOwn(value, key))
  return missing === undefined ? undefined : fault('is missing', `.${missing}`)
}

function faultOfMap(schema: MapSchema, value: CanonicalValue): Fault | undefined {
  if (!isCanonicalObject(value)) return fault('must be an object')
  const members = Object.entries(value)
  if (members.length > schema.maxProperties) return fault(`has more than ${schema.maxProperties} keys`)
  for (const [key, member] of members) {
    if (!schema.keys.test(key)) return fault(`must have a key that matches ${schema.keys.source}`, `.${key}`)
    const found = faultOf(schema.values, member)
    if (found !== undefined) return faultBelow(`.${key}`, found)
  }
  return undefined
}

/** The same schema as JSON Schema (draft 2020-12). */
export function toJsonSchema(schema: Schema): CanonicalObject {
  const description: CanonicalObject =
    schema.description === undefined ? {} : { description: schema.description }
  switch (schema.type) {
    case 'string':
      return {
        type: 'string',
        minLength: schema.minLength,
        maxLength: schema.maxLength,
        ...(schema.pattern === undefined ? {} : { pattern: schema.pattern.source }),
        ...description,
      }
    case 'word':
      return { enum: schema.words, ...description }
    case 'integer':
      return { type: 'integer', minimum: schema.minimum, maximum: schema.maximum, ...description }
    case 'boolean':
      return { type: 'boolean', ...description }
    case 'list':
      return {
        type: 'array',
        items: toJsonSchema(schema.items),
        minItems: schema.minItems,
        maxItems: schema.maxItems,
        uniqueItems: schema.unique,
        ...description,
      }
    case 'object':
      return {
        type: 'object',
        properties: Object.fromEntries(
          Object.entries({ ...schema.required, ...schema.optional }).map(([key, member]) => [
            key,
            toJsonSchema(member),
          ]),
        ),
        required: Object.keys(schema.required),
        additionalProperties: false,
        ...description,
      }
    case 'map':
      return {
        type: 'object',
        propertyNames: { pattern: schema.keys.source },
        additionalProperties: toJsonSchema(schema.values),
        maxProperties: schema.maxProperties,
        ...description,
      }
  }
}
