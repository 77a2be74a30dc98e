import { decodeBase64, encodeBase64 } from './base64.js'
import { ProofError } from './errors.js'
import { HASH_SIZE, sha256 } from './hashing.js'
import { EMPTY_ROOT } from './merkle.js'
import { encodeHex, equalBytes } from './bytes.js'
import { isKeyName, SIGNATURE_TYPES } from './note-key.js'
import type { NoteSigner, NoteVerifier } from './note-key.js'
import { parseNote, signNote, verifyNote } from './signed-note.js'
import type { NoteVerification, SignedNote } from './signed-note.js'

/** The head of a log: how many entries it has and the root over them. */
export interface Checkpoint {
  /** Name of the log; also the name of its key. */
  readonly origin: string
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** Most signature lines of a checkpoint: the log's and those of its witnesses. */
export const MAX_CHECKPOINT_SIGNATURES = 64

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/

function malformed(message: string): ProofError {
  return new ProofError('malformed_checkpoint', message)
}

/**
 * Reads a whole number as C2SP texts spell it: decimal, no sign, no leading zero, at most 2^53−1.
 *
 * @returns `undefined` when the text is none
 */
export function parseDecimal(text: string): number | undefined {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/**
 * The name that a new log gets: the name it is known by and the first 16 hexadecimal digits of its public key's SHA-256,
 * so that two logs of one host never share it. It outlives key rotations.
 */
export function logOrigin(name: string, publicKey: Uint8Array): string {
  const origin = `${name}/${encodeHex(sha256(publicKey)).slice(0, 16)}`
  if (!isKeyName(origin)) throw malformed(`${JSON.stringify(name)} cannot name a log`)
  return origin
}

function checkCheckpoint(checkpoint: Checkpoint, options: CheckpointOptions = {}): Checkpoint {
  const { origin, size, root } = checkpoint
  if (origin === '' || origin.includes('\n')) throw malformed('the origin is not one line')
  if (!Number.isSafeInteger(size) || size < 0) throw malformed('the size is not a whole number')
  if (root.length !== HASH_SIZE) throw malformed('the root is not 32 bytes long')
  if (size === 0 && options.emptyRoot !== 'ignore' && !equalBytes(root, EMPTY_ROOT))
    throw malformed('an empty tree has another root')
  return checkpoint
}

/** The text of a checkpoint (C2SP tlog-checkpoint): origin, size, root in base64, one per line, no extension lines. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkCheckpoint(checkpoint)
  return `${origin}\n${size}\n${encodeBase64(root)}\n`
}

/** Options of {@link parseCheckpoint}. */
export interface CheckpointOptions {
  /** Whether lines after the third are let through unread, as foreign logs may have them. Ours never do. */
  readonly extensions?: 'refuse' | 'ignore'
  /** Whether a size of 0 may come with any root: a witness looks at who signed before it says what is wrong. */
  readonly emptyRoot?: 'check' | 'ignore'
}

/**
 * Reads the text of a checkpoint.
 *
 * @throws ProofError `malformed_checkpoint`
 */
export function parseCheckpoint(text: string, options: CheckpointOptions = {}): Checkpoint {
  const lines = text.split('\n')
  const [origin = '', decimal = '', encoded = ''] = lines
  if (lines.length < 4 || lines.at(-1) !== '') throw malformed('a checkpoint has three lines')
  const extensions = lines.slice(3, -1)
  if (extensions.length > 0 && options.extensions !== 'ignore')
    throw malformed('the checkpoint has extension lines')
  if (extensions.includes('')) throw malformed('the checkpoint has an empty extension line')
  const size = parseDecimal(decimal)
  if (size === undefined) throw malformed('line 2 is not a decimal number below 2^53')
  const root = decodeBase64(encoded)
  if (root === undefined) throw malformed('line 3 is not canonical base64')
  return checkCheckpoint({ origin, size, root }, options)
}

/**
 * Signs a checkpoint with the log's keys. Their name must be the origin.
 *
 * @throws ProofError `malformed_checkpoint`
 */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): Uint8Array {
  const stranger = signers.find((signer) => signer.name !== checkpoint.origin)
  if (stranger !== undefined)
    throw malformed(`the key ${stranger.name} is not the one of ${checkpoint.origin}`)
  return signNote(formatCheckpoint(checkpoint), signers)
}

/** A checkpoint as it was signed. */
export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint
  readonly note: SignedNote
}

/** @throws ProofError `malformed_note`, `malformed_checkpoint` or `too_large` */
export function parseSignedCheckpoint(bytes: Uint8Array, options: CheckpointOptions = {}): SignedCheckpoint {
  const note = parseNote(bytes, MAX_CHECKPOINT_SIGNATURES)
  return { checkpoint: parseCheckpoint(note.text, options), note }
}

/** A checkpoint that one of its log's keys signed. */
export interface VerifiedCheckpoint extends SignedCheckpoint {
  readonly verification: NoteVerification
}

/**
 * Verifies a checkpoint: a known log key whose name is the origin signed it, and no known key's signature fails. Other
 * known keys, such as witnesses, are found in `verification`.
 *
 * @param verifiers keys of logs and witnesses, from a policy
 * @throws ProofError `unknown_key`, `bad_signature`, or as {@link parseSignedCheckpoint}
 */
export function verifyCheckpoint(
  bytes: Uint8Array,
  verifiers: readonly NoteVerifier[],
  options: CheckpointOptions = {},
): VerifiedCheckpoint {
  const signed = parseSignedCheckpoint(bytes, options)
  return { ...signed, verification: verifyCheckpointNote(signed, verifiers) }
}

/** {@link verifyCheckpoint} of what is already parsed. */
export function verifyCheckpointNote(
  signed: SignedCheckpoint,
  verifiers: readonly NoteVerifier[],
): NoteVerification {
  const verification = verifyNote(signed.note, verifiers)
  const { origin } = signed.checkpoint
  // A witness may bear any name, the log's too; only a plain signature is the log's own word.
  const isLogKey = (key: NoteVerifier) => key.type === SIGNATURE_TYPES.ed25519 && key.name === origin
  if (!verification.verified.some(({ verifier }) => isLogKey(verifier)))
    throw new ProofError('unknown_key', `no known key of the log ${origin} signed the checkpoint`)
  return verification
}
