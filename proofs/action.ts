import { equalBytes, utf8Bytes } from './bytes.js'
import { canonicalize, isCanonicalObject } from './canonical-json.js'
import type { CanonicalValue } from './canonical-json.js'
import { ACTION_LIMITS, parseCanonical } from './canonical-parser.js'
import { ProofError } from './errors.js'
import { actionSchema } from './kinds/index.js'
import type { ActionKind } from './kinds/index.js'
import type { NoteSigner } from './note-key.js'
import { checkSchema } from './schema.js'
import { signNote } from './signed-note.js'

/** First line of an action: it keeps an action from being taken for any other signed text. */
export const ACTION_LINE = 'portcullis.dev/action/v1'
/** Largest entry, in bytes: what the 16-bit lengths of tlog-tiles entry bundles can hold. */
export const MAX_ENTRY_BYTES = 65_535

const PREFIX = utf8Bytes(`${ACTION_LINE}\n`)
const NEWLINE = 0x0a

/** The payload of an action; the schema of its kind says which members stand beside these. */
export interface ActionPayload {
  readonly v: 1
  /** Lower-case UUIDv7, made by the client; unique per agent. */
  readonly id: string
  readonly agent: string
  readonly session: string
  /** From 0, per (session, agent). */
  readonly seq: number
  /** Milliseconds since the Unix epoch, as the agent claims. */
  readonly ts: number
  readonly kind: ActionKind
  /** Leaf hashes, lower-case hexadecimal. */
  readonly parents?: readonly string[]
  readonly [member: string]: CanonicalValue
}

function isPayload(value: CanonicalValue): value is ActionPayload {
  if (!isCanonicalObject(value)) return false
  const kind = Object.hasOwn(value, 'kind') ? value['kind'] : undefined
  const schema = typeof kind === 'string' ? actionSchema(kind) : undefined
  if (schema === undefined)
    throw new ProofError('malformed_action', `action.kind ${JSON.stringify(kind ?? null)} is not known`)
  checkSchema(schema, value, 'action')
  return true
}

/**
 * Checks a payload that is already parsed against the schema of its kind.
 *
 * @throws ProofError `malformed_action` that names the member
 */
export function checkAction(value: CanonicalValue): ActionPayload {
  if (!isPayload(value)) throw new ProofError('malformed_action', 'the action is not an object')
  return value
}

/**
 * Reads the text of an action: the domain line, one line of canonical JSON, a newline, and nothing else.
 *
 * @param text bytes without signature lines: a sealed action as it is, or the text of a signed note
 * @throws ProofError `malformed_action`, `not_canonical`, `duplicate_key` or `too_large`
 */
export function parseAction(text: Uint8Array): ActionPayload {
  if (text.length < PREFIX.length || !equalBytes(text.subarray(0, PREFIX.length), PREFIX))
    throw new ProofError('malformed_action', `the first line is not ${ACTION_LINE}`)
  if (text.length === PREFIX.length || text[text.length - 1] !== NEWLINE)
    throw new ProofError('malformed_action', 'the action does not end in a newline')
  return checkAction(parseCanonical(text.subarray(PREFIX.length, text.length - 1)))
}

/**
 * The text of an action. What it writes, {@link parseAction} reads: the canonical form of what fits its schema.
 *
 * @throws ProofError `malformed_action` as {@link checkAction}, `not_canonical` for a string without a UTF-8 form, `too_large`
 */
export function formatAction(payload: CanonicalValue): Uint8Array {
  const text = utf8Bytes(`${ACTION_LINE}\n${canonicalize(checkAction(payload))}\n`)
  const bytes = text.length - PREFIX.length - 1
  if (bytes > ACTION_LIMITS.maxBytes)
    throw new ProofError('too_large', `${bytes} bytes of JSON, more than ${ACTION_LIMITS.maxBytes}`)
  return text
}

/**
 * An action as a signed note of its own.
 *
 * @param signers its agent, and whoever else stands by it (tool server, approver); at most 16
 * @throws ProofError `unsigned` when the agent is not among the signers, `too_large` above {@link MAX_ENTRY_BYTES}
 */
export function signAction(payload: ActionPayload, signers: readonly NoteSigner[]): Uint8Array {
  if (!signers.some((signer) => signer.name === payload.agent))
    throw new ProofError('unsigned', `no signer is the agent ${payload.agent}`)
  const note = signNote(formatAction(payload), signers)
  if (note.length > MAX_ENTRY_BYTES) throw new ProofError('too_large', `an entry of ${note.length} bytes`)
  return note
}
