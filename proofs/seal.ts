import { MAX_ENTRY_BYTES, parseAction } from './action.js'
import type { ActionPayload } from './action.js'
import { decodeBase64, encodeBase64 } from './base64.js'
import { equalBytes } from './bytes.js'
import { ProofError } from './errors.js'
import { HASH_SIZE, inclusionProof, leafHash, nodeReaderOf, rootOfLeafHashes } from './merkle.js'
import { NAME_PATTERN } from './kinds/members.js'
import type { NoteSigner, NoteVerifier } from './note-key.js'
import { parseNote, signNote, verifyNoteStrictly } from './signed-note.js'
import type { NoteVerification, SignedNote } from './signed-note.js'

/** First line of a batch seal. */
export const SEAL_LINE = 'portcullis.dev/batch/v1'
/** Most actions under one seal. */
export const MAX_BATCH = 65_536

/**
 * One signature over many actions. The sealed actions are entries without signature lines; the seal is the entry right
 * behind the last of them.
 */
export interface Seal {
  readonly agent: string
  readonly session: string
  /**
   * `seq` of the first action, its index in the sequence of (session, agent). It is not an index of the log: whoever
   * seals cannot know yet where the log will put the batch. That the actions stand right before their seal in the log is
   * what the verifier checks by the log indexes of both.
   */
  readonly first: number
  /** Number of actions; their `seq` run from `first` without a gap. */
  readonly count: number
  /** RFC 6962 root over the bytes of the actions as leaves. */
  readonly root: Uint8Array
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/

function malformed(message: string): ProofError {
  return new ProofError('malformed_seal', message)
}

function checkSeal(seal: Seal): Seal {
  if (!NAME_PATTERN.test(seal.agent)) throw malformed('the seal names no agent on line 2')
  if (!NAME_PATTERN.test(seal.session)) throw malformed('the seal names no session on line 3')
  if (!Number.isSafeInteger(seal.first) || seal.first < 0) throw malformed('the first index is out of range')
  if (!Number.isSafeInteger(seal.count) || seal.count < 1 || seal.count > MAX_BATCH)
    throw malformed(`a seal covers 1 to ${MAX_BATCH} actions`)
  if (seal.root.length !== HASH_SIZE) throw malformed('the root is not 32 bytes long')
  return seal
}

/** The text of a seal: domain line, agent, session, first, count, root in base64, one per line. */
export function formatSeal(seal: Seal): string {
  const { agent, session, first, count, root } = checkSeal(seal)
  return `${SEAL_LINE}\n${agent}\n${session}\n${first}\n${count}\n${encodeBase64(root)}\n`
}

/**
 * Reads the text of a seal.
 *
 * @throws ProofError `malformed_seal`
 */
export function parseSeal(text: string): Seal {
  const lines = text.split('\n', 8)
  const [line, agent = '', session = '', first = '', count = '', encoded = '', end] = lines
  if (line !== SEAL_LINE) throw malformed(`the first line is not ${SEAL_LINE}`)
  if (lines.length !== 7 || end !== '') throw malformed('a seal has six lines')
  if (!DECIMAL.test(first)) throw malformed('line 4 is not a decimal number')
  if (!DECIMAL.test(count)) throw malformed('line 5 is not a decimal number')
  const root = decodeBase64(encoded)
  if (root === undefined) throw malformed('line 6 is not canonical base64')
  return checkSeal({ agent, session, first: Number(first), count: Number(count), root })
}

/** What {@link sealBatch} seals. */
export interface UnsealedBatch {
  readonly agent: string
  readonly session: string
  /** `seq` of the first action. */
  readonly first: number
  /** Texts of the actions, in order, as `formatAction` makes them. */
  readonly entries: readonly Uint8Array[]
}

/**
 * Seals a batch: computes its root and signs it with the agent's key.
 *
 * @returns the seal's own entry: a signed note
 * @throws ProofError `malformed_seal` for an empty or oversized batch, `unsigned` when the signer is not the agent
 */
export function sealBatch(batch: UnsealedBatch, signer: NoteSigner): Uint8Array {
  if (signer.name !== batch.agent)
    throw new ProofError('unsigned', `the signer ${signer.name} is not the agent ${batch.agent}`)
  const root = rootOfLeafHashes(batch.entries.map(leafHash))
  const { agent, session, first, entries } = batch
  return signNote(formatSeal({ agent, session, first, count: entries.length, root }), [signer])
}

/** Path from the action at `position` to the root of its seal. */
export function batchPath(entries: readonly Uint8Array[], position: number): Uint8Array[] {
  return inclusionProof(position, entries.length, nodeReaderOf(entries.map(leafHash)))
}

/** A seal's entry, parsed but not verified. */
export interface SealNote {
  readonly seal: Seal
  readonly note: SignedNote
}

/** @throws ProofError `malformed_note`, `malformed_seal` or `too_large` */
export function parseSealNote(bytes: Uint8Array): SealNote {
  if (bytes.length > MAX_ENTRY_BYTES) throw new ProofError('too_large', `an entry of ${bytes.length} bytes`)
  const note = parseNote(bytes)
  return { seal: parseSeal(note.text), note }
}

/**
 * Verifies that a seal is signed by its agent and nobody unknown.
 *
 * @throws ProofError `malformed_note`, `unknown_key`, `bad_signature` or `unsigned`
 */
export function verifySeal({ seal, note }: SealNote, verifiers: readonly NoteVerifier[]): NoteVerification {
  const verification = verifyNoteStrictly(note, verifiers)
  if (!verification.verified.some(({ verifier }) => verifier.name === seal.agent))
    throw new ProofError('unsigned', `the seal is not signed by its agent ${seal.agent}`)
  return verification
}

/** An action under a seal, as it was read. */
export interface SealedAction {
  readonly action: ActionPayload
  /** RFC 6962 leaf hash of its bytes. */
  readonly leaf: Uint8Array
}

/**
 * Checks that these actions are exactly what a seal covers, without looking at its signature.
 *
 * @throws ProofError `truncated` when there are more or fewer actions than it says, `wrong_session` when one belongs
 *   to another agent or session, `seq_gap` when the numbers do not run on, `bad_root` when the root differs
 */
export function checkSealedActions(seal: Seal, batch: readonly SealedAction[]): void {
  if (batch.length !== seal.count)
    throw new ProofError('truncated', `the seal covers ${seal.count} actions, here are ${batch.length}`)
  for (const [position, { action }] of batch.entries()) checkSealedAction(seal, action, position)
  if (!equalBytes(rootOfLeafHashes(batch.map(({ leaf }) => leaf)), seal.root))
    throw new ProofError('bad_root', 'the actions do not have the root that the seal signs')
}

/**
 * Checks that an action may stand at `position` under a seal.
 *
 * @throws ProofError `wrong_session` or `seq_gap`
 */
export function checkSealedAction(seal: Seal, action: ActionPayload, position: number): ActionPayload {
  if (action.agent !== seal.agent || action.session !== seal.session)
    throw new ProofError(
      'wrong_session',
      `an action of ${action.agent} in ${action.session} under a seal of ${seal.agent} in ${seal.session}`,
    )
  if (action.seq !== seal.first + position)
    throw new ProofError('seq_gap', `seq ${action.seq} where the seal has ${seal.first + position}`)
  return action
}

/** A batch that was found good. */
export interface SealedBatch {
  readonly seal: Seal
  readonly actions: readonly ActionPayload[]
  /** RFC 6962 leaf hashes of the actions. */
  readonly leaves: readonly Uint8Array[]
}

/**
 * Verifies a whole sealed batch: the seal's signature, then that the actions are the ones it covers.
 *
 * @param entries the actions in order
 * @param sealBytes the seal's entry
 * @throws ProofError as {@link verifySeal}, `parseAction` and {@link checkSealedActions}
 */
export function verifySealedBatch(
  entries: readonly Uint8Array[],
  sealBytes: Uint8Array,
  verifiers: readonly NoteVerifier[],
): SealedBatch {
  const { seal, note } = parseSealNote(sealBytes)
  verifySeal({ seal, note }, verifiers)
  const batch = entries.map((entry) => ({ action: parseAction(entry), leaf: leafHash(entry) }))
  checkSealedActions(seal, batch)
  return { seal, actions: batch.map(({ action }) => action), leaves: batch.map(({ leaf }) => leaf) }
}
