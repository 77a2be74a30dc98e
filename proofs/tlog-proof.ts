import { decodeBase64, encodeBase64 } from './base64.js'
import { concatBytes, utf8Bytes } from './bytes.js'
import { parseDecimal, parseSignedCheckpoint, verifyCheckpointNote } from './checkpoint.js'
import type { SignedCheckpoint } from './checkpoint.js'
import { ProofError } from './errors.js'
import { assertInclusion, HASH_SIZE, MAX_PROOF_HASHES } from './merkle.js'
import type { NoteVerifier } from './note-key.js'
import { decodeNoteText, MAX_NOTE_BYTES } from './signed-note.js'

/** First line of a proof file. */
export const TLOG_PROOF_LINE = 'c2sp.org/tlog-proof@v1'
const MAX_EXTRA = 65_536
const MAX_PROOF_BYTES = MAX_NOTE_BYTES

/** An offline proof that one entry is in a log (C2SP tlog-proof). */
export interface TlogProof {
  /** Opaque bytes that nothing vouches for. */
  readonly extra?: Uint8Array
  readonly index: number
  /** From the leaf's sibling to the root's child. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint as the log issued it. */
  readonly checkpoint: Uint8Array
}

function malformed(message: string): ProofError {
  return new ProofError('malformed_proof', message)
}

/** Writes a proof file. */
export function formatTlogProof(proof: TlogProof): Uint8Array {
  const lines = [
    TLOG_PROOF_LINE,
    ...(proof.extra === undefined ? [] : [`extra ${encodeBase64(proof.extra)}`]),
    `index ${proof.index}`,
    ...proof.proof.map(encodeBase64),
  ]
  return concatBytes(utf8Bytes(`${lines.join('\n')}\n\n`), proof.checkpoint)
}

/**
 * Reads a proof file; base64 must be canonical.
 *
 * @throws ProofError `malformed_proof` or `too_large`; the checkpoint itself is not looked at
 */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  if (bytes.length > MAX_PROOF_BYTES) throw new ProofError('too_large', `a proof of ${bytes.length} bytes`)
  // The head ends at the first empty line, the checkpoint has one of its own.
  const end = bytes.findIndex((byte, i) => byte === 0x0a && bytes[i + 1] === 0x0a)
  if (end < 0) throw malformed('there is no empty line before the checkpoint')
  const lines = decodeNoteText(bytes.subarray(0, end + 1))
    .slice(0, -1)
    .split('\n')
  if (lines.shift() !== TLOG_PROOF_LINE) throw malformed(`the first line is not ${TLOG_PROOF_LINE}`)
  const extra = lines[0]?.startsWith('extra ') === true ? readExtra(lines.shift() ?? '') : undefined
  const line = lines.shift() ?? ''
  const index = line.startsWith('index ') ? parseDecimal(line.slice('index '.length)) : undefined
  if (index === undefined) throw malformed('there is no index line with a decimal number')
  if (lines.length > MAX_PROOF_HASHES) throw malformed(`more than ${MAX_PROOF_HASHES} hashes`)
  const proof = lines.map(readHash)
  const checkpoint = bytes.subarray(end + 2)
  return { ...(extra === undefined ? {} : { extra }), index, proof, checkpoint }
}

function readExtra(line: string): Uint8Array {
  const extra = decodeBase64(line.slice('extra '.length))
  if (extra === undefined || extra.length > MAX_EXTRA)
    throw malformed('the extra line is not canonical base64')
  return extra
}

function readHash(line: string): Uint8Array {
  const hash = decodeBase64(line)
  if (hash?.length !== HASH_SIZE) throw malformed('a proof line is not the canonical base64 of 32 bytes')
  return hash
}

/**
 * Verifies a proof for an entry: the checkpoint is signed by a known log, and the leaf is in its tree.
 *
 * @param leaf RFC 6962 leaf hash of the entry
 * @param verifiers keys of logs (and witnesses) from a policy
 * @returns the checkpoint that vouches
 * @throws ProofError `not_included`, `unknown_key`, `bad_signature`, `malformed_note` or `malformed_checkpoint`
 */
export function verifyTlogProof(
  proof: TlogProof,
  leaf: Uint8Array,
  verifiers: readonly NoteVerifier[],
): SignedCheckpoint {
  const signed = parseSignedCheckpoint(proof.checkpoint, { extensions: 'ignore' })
  verifyCheckpointNote(signed, verifiers)
  assertInclusion(proof.index, signed.checkpoint.size, leaf, proof.proof, signed.checkpoint.root)
  return signed
}
