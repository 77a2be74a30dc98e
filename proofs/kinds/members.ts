import type {
  BooleanSchema,
  IntegerSchema,
  ListSchema,
  MapSchema,
  ObjectSchema,
  Schema,
  StringSchema,
  WordSchema,
} from '../schema.js'

/** Members that a kind adds to the common ones. */
export interface KindMembers {
  readonly description: string
  readonly required: { readonly [key: string]: Schema }
  readonly optional: { readonly [key: string]: Schema }
}

/** Free text of 1 to `maxLength` characters. */
export function text(maxLength: number, description?: string): StringSchema {
  return { type: 'string', minLength: 1, maxLength, ...described(description) }
}
/** Free text that may also be empty. */
export function remark(maxLength: number): StringSchema {
  return { type: 'string', minLength: 0, maxLength }
}

export function matching(pattern: RegExp, maxLength: number, description?: string): StringSchema {
  return { type: 'string', minLength: 1, maxLength, pattern, ...described(description) }
}
export function word(words: readonly string[], description?: string): WordSchema {
  return { type: 'word', words, ...described(description) }
}
export function integer(minimum: number, maximum: number, description?: string): IntegerSchema {
  return { type: 'integer', minimum, maximum, ...described(description) }
}
/** An integer from 0. */
export function count(description?: string): IntegerSchema {
  return integer(0, Number.MAX_SAFE_INTEGER, description)
}
export function list(items: Schema, maxItems: number, description?: string): ListSchema {
  return { type: 'list', items, minItems: 0, maxItems, unique: false, ...described(description) }
}
/** A list of 1 to `maxItems` different strings or numbers. */
export function distinct(items: Schema, maxItems: number, description?: string): ListSchema {
  return { type: 'list', items, minItems: 1, maxItems, unique: true, ...described(description) }
}
export function object(
  required: ObjectSchema['required'],
  optional: ObjectSchema['optional'] = {},
  description?: string,
): ObjectSchema {
  const members = new Map(Object.entries({ ...required, ...optional }))
  return { type: 'object', required, optional, members, ...described(description) }
}
export function map(keys: RegExp, values: Schema, maxProperties: number, description?: string): MapSchema {
  return { type: 'map', keys, values, maxProperties, ...described(description) }
}
export const flag: BooleanSchema = { type: 'boolean' }

function described(description: string | undefined): { readonly description?: string } {
  return description === undefined ? {} : { description }
}

/** Agents and sessions; starting with a letter, so that line 2 of no text of ours is a decimal number. */
export const NAME_PATTERN = /^[a-z][a-z0-9._/-]{0,99}$/

export const name = matching(NAME_PATTERN, 100)
export const uuid = matching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  36,
  'A lower-case UUIDv7.',
)
export const time = count('Milliseconds since the Unix epoch.')
export const hash = matching(/^[0-9a-f]{64}$/, 64, 'A SHA-256 sized hash in lower-case hexadecimal.')
/** A word of a role's own vocabulary: `block`, `sql_injection`. */
export const term = matching(/^[a-z][a-z0-9_]{0,63}$/, 64)
export const reason = remark(1000)
export const actor = text(200, 'Who did it: an agent, an operator, a role.')

export const commitment = object(
  { alg: word(['sha256', 'hmac-sha256', 'salted-tree-sha256']), hash },
  { salted: flag },
  'A commitment to bytes that are kept elsewhere and can be erased there.',
)
/** A commitment under a key that the role keeps, so that guessing the content does not confirm it. */
export const keyedCommitment = object(
  { alg: word(['hmac-sha256']), hash },
  { salted: flag },
  'A keyed commitment; the key stays with the role.',
)
export const target = object({ server: text(200), tool: text(200) })
export const status = word(['ok', 'error', 'denied', 'timeout', 'escalated'])
export const policy = object({ id: text(200), rev: text(100), decision: term })
export const publicKey = object({
  name: matching(/^[^\s+]{1,200}$/, 200),
  alg: word(['ed25519']),
  public_key: matching(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 44, 'Base64 of the 32 bytes.'),
})
export const nonce = matching(/^[0-9a-f]{32,64}$/, 64)
export const signature = matching(/^[A-Za-z0-9+/]{85}[AQgw]==$/, 88, 'Base64 of the 64 bytes.')
