/**
 * Commitments to bodies that are kept outside the log, where they can be erased. Every commitment is salted: a hash of
 * something that can be guessed (a name, a number) would tell it.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { ActionPayload } from './action.js'
import { decodeBase64, encodeBase64 } from './base64.js'
import { decodeHex, encodeHex } from './bytes.js'
import { canonicalBytes, isCanonicalObject } from './canonical-json.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { formatContainer, Members, parseContainer } from './container.js'
import { ProofError } from './errors.js'
import { leafHash } from './hashing.js'
import { rootOfLeafHashes } from './merkle.js'
import { multiProof, rootFromMultiProof } from './multi-proof.js'

/** Member `format` of an opening; another version is another format. */
export const OPENING_FORMAT = 'portcullis.dev/opening/v1'
/** Largest body that is committed to as a whole, in bytes. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024
/** Largest opening file, in bytes: such a body in base64, and what stands around it. */
export const MAX_OPENING_BYTES = 12 * 1024 * 1024
/** Most fields of a tree. */
export const MAX_FIELDS = 1_000
/** Bytes of a salt. */
export const SALT_SIZE = 16
const MAX_DEPTH = 12
const CODE = 'malformed_opening'

/** A member of an action, as the log holds it. */
export interface Commitment {
  readonly alg: 'hmac-sha256' | 'salted-tree-sha256'
  /** Lower-case hexadecimal. */
  readonly hash: string
  readonly salted: true
  readonly [member: string]: CanonicalValue
}

/** A body as a whole, with its salt: HMAC-SHA-256(salt, body). */
export interface BodyOpening {
  readonly alg: 'hmac-sha256'
  readonly salt: Uint8Array
  readonly body: Uint8Array
}

/** A field with its place among all fields, sorted by name. */
export interface OpenedField {
  readonly index: number
  readonly name: string
  readonly salt: Uint8Array
  readonly value: CanonicalValue
}

/**
 * Some fields of a body, or all of them. Its RFC 6962 tree has a leaf for each field, the canonical JSON of
 * `{"name","salt","value"}`, sorted by name; so one field can be shown without the others.
 */
export interface FieldsOpening {
  readonly alg: 'salted-tree-sha256'
  /** Fields of the whole body. */
  readonly size: number
  readonly fields: readonly OpenedField[]
  /** See `multiProof`; empty when all fields are there. */
  readonly proof: readonly Uint8Array[]
}

/** What shows that a commitment is to these bytes or fields. Whoever has it can repeat it; without it nobody can. */
export type Opening = BodyOpening | FieldsOpening

/** @throws ProofError `too_large` above {@link MAX_BODY_BYTES} */
export function commitBody(body: Uint8Array): BodyOpening {
  if (body.length > MAX_BODY_BYTES)
    throw new ProofError('too_large', `a body of ${body.length} bytes, the limit is ${MAX_BODY_BYTES}`)
  return { alg: 'hmac-sha256', salt: randomBytes(SALT_SIZE), body }
}

/**
 * @param fields values of the profile of actions
 * @throws ProofError `too_large` above {@link MAX_FIELDS}, `malformed_opening` without any field
 */
export function commitFields(fields: CanonicalObject): FieldsOpening {
  const entries = Object.entries(fields)
  if (entries.length > MAX_FIELDS) throw new ProofError('too_large', `${entries.length} fields`)
  if (entries.length === 0) throw new ProofError(CODE, 'there is no field')
  const opened = entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value], index): OpenedField => ({ index, name, salt: randomBytes(SALT_SIZE), value }))
  return { alg: 'salted-tree-sha256', size: entries.length, fields: opened, proof: [] }
}

/**
 * The commitment that an opening opens.
 *
 * @throws ProofError `malformed_opening` when its proof does not fit its fields
 */
export function commitmentOf(opening: Opening): Commitment {
  const { alg } = opening
  if (opening.alg === 'hmac-sha256') {
    const hash = createHmac('sha256', opening.salt).update(opening.body).digest('hex')
    return { alg, hash, salted: true }
  }
  const leaves = opening.fields.map((field) => ({ index: field.index, leaf: fieldLeaf(field) }))
  const root = rootFromMultiProof(leaves, opening.size, opening.proof)
  if (root === undefined) throw new ProofError(CODE, 'the proof does not fit the fields')
  return { alg, hash: encodeHex(root), salted: true }
}

/**
 * Shows some fields and keeps the others.
 *
 * @param opening with all fields
 * @throws ProofError `malformed_opening` when one is not among them
 */
export function discloseFields(opening: FieldsOpening, names: readonly string[]): FieldsOpening {
  const missing = names.find((name) => !opening.fields.some((field) => field.name === name))
  if (missing !== undefined) throw new ProofError(CODE, `there is no field ${missing}`)
  if (opening.fields.length !== opening.size || names.length === 0)
    throw new ProofError(CODE, 'fields are shown of an opening that has all of them, one at least')
  const leaves = opening.fields.map(fieldLeaf)
  const fields = opening.fields.filter(({ name }) => names.includes(name))
  const proof = multiProof(
    fields.map(({ index }) => index),
    opening.size,
    (level, index) => rootOfLeafHashes(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
  )
  return { ...opening, fields, proof }
}

/**
 * Checks an opening against the commitments of an action.
 *
 * @returns names of the members that it opens (`in`, `out`, `body`)
 * @throws ProofError `commitment_mismatch` when it opens none, `malformed_opening`
 */
export function openCommitment(action: ActionPayload, opening: Opening): readonly string[] {
  const { alg, hash } = commitmentOf(opening)
  const members = Object.entries(action).flatMap(([name, value]) =>
    isCanonicalObject(value) && value['alg'] === alg && value['hash'] === hash ? [name] : [],
  )
  if (members.length === 0)
    throw new ProofError(
      'commitment_mismatch',
      `no commitment of the ${action.kind} is to what was disclosed`,
    )
  return members
}

/** An opening as a file: canonical JSON and a newline. */
export function formatOpening(opening: Opening): Uint8Array {
  if (opening.alg === 'hmac-sha256') {
    const { alg, salt, body } = opening
    return formatContainer({
      format: OPENING_FORMAT,
      alg,
      salt: encodeHex(salt),
      body: encodeBase64(body),
    })
  }
  const { alg, size, fields, proof } = opening
  return formatContainer({
    format: OPENING_FORMAT,
    alg,
    size,
    fields: fields.map(({ index, ...field }) => ({ index, ...jsonField(field) })),
    proof: proof.map(encodeBase64),
  })
}

/** @throws ProofError `malformed_opening`, `not_canonical`, `duplicate_key`, `too_large` */
export function parseOpening(bytes: Uint8Array): Opening {
  const json = parseContainer(bytes, CODE, { maxBytes: MAX_OPENING_BYTES, maxDepth: MAX_DEPTH })
  const alg = isCanonicalObject(json) ? json['alg'] : undefined
  const isTree = alg === 'salted-tree-sha256'
  const own = isTree ? ['size', 'fields', 'proof'] : ['salt', 'body']
  const members = new Members(json, CODE, 'opening', ['format', 'alg', ...own])
  if (members.string('format') !== OPENING_FORMAT)
    throw new ProofError(CODE, `opening.format is not ${OPENING_FORMAT}`)
  if (isTree) {
    const fields = members.list('fields', MAX_FIELDS).map(parseField)
    const ascending = fields.every(({ index, name }, i) => {
      const previous = fields[i - 1]
      return previous === undefined || (previous.index < index && previous.name < name)
    })
    if (!ascending) throw new ProofError(CODE, 'opening.fields are not sorted by name and index')
    const size = members.integer('size')
    if (size > MAX_FIELDS) throw new ProofError('too_large', `a body of ${size} fields`)
    return { alg, size, fields, proof: members.hashes('proof', 2 * MAX_FIELDS) }
  }
  if (alg !== 'hmac-sha256') throw new ProofError(CODE, 'opening.alg is not known')
  const body = decodeBase64(members.string('body'))
  if (body === undefined || body.length > MAX_BODY_BYTES)
    throw new ProofError(CODE, `opening.body is not base64 of at most ${MAX_BODY_BYTES} bytes`)
  return { alg, salt: parseSalt(members.string('salt')), body }
}

function parseField(value: CanonicalValue, i: number): OpenedField {
  const members = new Members(value, CODE, `opening.fields[${i}]`, ['index', 'name', 'salt', 'value'])
  return {
    index: members.integer('index'),
    name: members.string('name'),
    salt: parseSalt(members.string('salt')),
    value: members.optional('value') ?? '',
  }
}

function parseSalt(text: string): Uint8Array {
  const salt = decodeHex(text)
  if (salt?.length !== SALT_SIZE)
    throw new ProofError(CODE, `a salt is not ${SALT_SIZE} bytes in lower-case hexadecimal`)
  return salt
}

function jsonField({ name, salt, value }: Omit<OpenedField, 'index'>): CanonicalObject {
  return { name, salt: encodeHex(salt), value }
}

function fieldLeaf(field: OpenedField): Uint8Array {
  return leafHash(canonicalBytes(jsonField(field)))
}
