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

function refuse(path: string, message: string): ProofError {
  return new ProofError('malformed_action', `${path} ${message}`)
}

/**
 * Checks a value against its schema.
 *
 * @param path where the value stands, for messages (`action.verdict.status`)
 * @throws ProofError `malformed_action` that names the place and the expectation
 */
export function checkSchema(schema: Schema, value: CanonicalValue, path: string): void {
  switch (schema.type) {
    case 'string':
      return checkString(schema, value, path)
    case 'word':
      if (typeof value !== 'string' || !schema.words.includes(value))
        throw refuse(path, `must be one of ${schema.words.join(', ')}`)
      return
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw refuse(path, 'must be an integer')
      if (value < schema.minimum || value > schema.maximum)
        throw refuse(path, `must be from ${schema.minimum} to ${schema.maximum}`)
      return
    case 'boolean':
      if (typeof value !== 'boolean') throw refuse(path, 'must be true or false')
      return
    case 'list':
      return checkList(schema, value, path)
    case 'object':
      return checkObject(schema, value, path)
    case 'map':
      return checkMap(schema, value, path)
  }
}

function checkString(schema: StringSchema, value: CanonicalValue, path: string): void {
  if (typeof value !== 'string') throw refuse(path, 'must be a string')
  const length = characters(value)
  if (length < schema.minLength) throw refuse(path, `is shorter than ${schema.minLength} characters`)
  if (length > schema.maxLength) throw refuse(path, `is longer than ${schema.maxLength} characters`)
  if (schema.pattern !== undefined && !schema.pattern.test(value))
    throw refuse(path, `must match ${schema.pattern.source}`)
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

function checkList(schema: ListSchema, value: CanonicalValue, path: string): void {
  if (!Array.isArray(value)) throw refuse(path, 'must be a list')
  const items: readonly CanonicalValue[] = value
  if (items.length < schema.minItems || items.length > schema.maxItems)
    throw refuse(path, `must have from ${schema.minItems} to ${schema.maxItems} items`)
  items.forEach((item, i) => checkSchema(schema.items, item, `${path}[${i}]`))
  if (schema.unique && new Set(items).size !== items.length) throw refuse(path, 'must not repeat an item')
}

function checkObject(schema: ObjectSchema, value: CanonicalValue, path: string): void {
  if (!isCanonicalObject(value)) throw refuse(path, 'must be an object')
  for (const [key, member] of Object.entries(value)) {
    const expected = ownSchema(schema.required, key) ?? ownSchema(schema.optional, key)
    if (expected === undefined) throw refuse(`${path}.${key}`, 'is not known')
    checkSchema(expected, member, `${path}.${key}`)
  }
  for (const key of Object.keys(schema.required)) {
    if (!Object.hasOwn(value, key)) throw refuse(`${path}.${key}`, 'is missing')
  }
}

function ownSchema(members: { readonly [key: string]: Schema }, key: string): Schema | undefined {
  return Object.hasOwn(members, key) ? members[key] : undefined
}

function checkMap(schema: MapSchema, value: CanonicalValue, path: string): void {
  if (!isCanonicalObject(value)) throw refuse(path, 'must be an object')
  const members = Object.entries(value)
  if (members.length > schema.maxProperties) throw refuse(path, `has more than ${schema.maxProperties} keys`)
  for (const [key, member] of members) {
    if (!schema.keys.test(key))
      throw refuse(`${path}.${key}`, `must have a key that matches ${schema.keys.source}`)
    checkSchema(schema.values, member, `${path}.${key}`)
  }
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
