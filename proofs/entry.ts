import { ACTION_LINE, MAX_ENTRY_BYTES, parseAction } from './action.js'
import type { ActionPayload } from './action.js'
import { equalBytes, utf8Bytes } from './bytes.js'
import { ProofError } from './errors.js'
import type { NoteVerifier } from './note-key.js'
import { parseSeal, SEAL_LINE } from './seal.js'
import type { Seal } from './seal.js'
import { parseNote, verifyNoteStrictly } from './signed-note.js'
import type { NoteVerification, SignedNote } from './signed-note.js'

/** A leaf of the log. */
export type Entry =
  /** An action with signatures of its own. */
  | { readonly type: 'action'; readonly action: ActionPayload; readonly note: SignedNote }
  /** An action whose signature is the seal of its batch. */
  | { readonly type: 'sealed'; readonly action: ActionPayload }
  | { readonly type: 'seal'; readonly seal: Seal; readonly note: SignedNote }

const ACTION_PREFIX = utf8Bytes(`${ACTION_LINE}\n`)
const SEAL_PREFIX = utf8Bytes(`${SEAL_LINE}\n`)

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && equalBytes(bytes.subarray(0, prefix.length), prefix)
}

/**
 * Reads an entry of any type. Nothing is verified yet: a `sealed` action alone is unsigned.
 *
 * @throws ProofError `too_large`, `malformed_note`, `malformed_action`, `malformed_seal`, `not_canonical` or
 *   `duplicate_key`
 */
export function parseEntry(bytes: Uint8Array): Entry {
  if (bytes.length > MAX_ENTRY_BYTES)
    throw new ProofError('too_large', `an entry of ${bytes.length} bytes, more than ${MAX_ENTRY_BYTES}`)
  if (startsWith(bytes, SEAL_PREFIX)) {
    const note = parseNote(bytes)
    return { type: 'seal', seal: parseSeal(note.text), note }
  }
  if (!startsWith(bytes, ACTION_PREFIX))
    throw new ProofError('malformed_note', 'an entry starts with the line of an action or of a batch seal')
  const secondEnd = bytes.indexOf(0x0a, ACTION_PREFIX.length)
  if (secondEnd === bytes.length - 1) return { type: 'sealed', action: parseAction(bytes) }
  const note = parseNote(bytes)
  return { type: 'action', action: parseAction(note.textBytes), note }
}

/**
 * Verifies the signatures of an action or a seal: all of known keys, and its agent among them. The name of an agent's
 * key is the name of the agent.
 *
 * @throws ProofError `unsigned` for a sealed action or when the agent did not sign; `malformed_note`, `unknown_key`,
 *   `bad_signature`
 */
export function verifyEntry(entry: Entry, verifiers: readonly NoteVerifier[]): NoteVerification {
  if (entry.type === 'sealed')
    throw new ProofError('unsigned', 'a sealed action has no signature but the one of its seal')
  const agent = entry.type === 'seal' ? entry.seal.agent : entry.action.agent
  const verification = verifyNoteStrictly(entry.note, verifiers)
  if (!verification.verified.some(({ verifier }) => verifier.name === agent))
    throw new ProofError('unsigned', `the entry is not signed by its agent ${agent}`)
  return verification
}

/** The session that an entry belongs to. */
export function sessionOf(entry: Entry): string {
  return entry.type === 'seal' ? entry.seal.session : entry.action.session
}
