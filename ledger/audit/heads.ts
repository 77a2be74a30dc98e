import { equalBytes } from '../../proofs/bytes.js'
import { parseSignedCheckpoint, verifyCheckpointNote } from '../../proofs/checkpoint.js'
import type { Checkpoint } from '../../proofs/checkpoint.js'
import { ProofError } from '../../proofs/errors.js'
import { SIGNATURE_TYPES } from '../../proofs/note-key.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import { verifyNote } from '../../proofs/signed-note.js'
import type { Findings } from './report.js'
import type { TreeSource } from './source.js'

const MAX_CHECKPOINT_BYTES = 64 * 1024

/** A tree head of the log that was found to be signed. */
export interface Head extends Checkpoint {
  readonly path: string
  /** Names of the keys that signed it. */
  readonly signers: readonly string[]
}

/**
 * Reads a checkpoint that one of the given keys signed: a key of the log itself, or the key of a witness or mirror that
 * the caller chose to believe instead.
 *
 * @throws ProofError `malformed_note`, `malformed_checkpoint`, `unknown_key`, `bad_signature`
 * @returns `undefined` when there is no such file
 */
export async function readHead(
  source: TreeSource,
  path: string,
  keys: readonly NoteVerifier[],
): Promise<Head | undefined> {
  const bytes = await source.read(path, MAX_CHECKPOINT_BYTES)
  if (bytes === undefined) return undefined
  const signed = parseSignedCheckpoint(bytes, { extensions: 'ignore' })
  const isWitness = keys.some(({ type }) => type === SIGNATURE_TYPES.cosignature)
  const { verified } = isWitness ? verifyNote(signed.note, keys) : verifyCheckpointNote(signed, keys)
  return { ...signed.checkpoint, path, signers: verified.map(({ verifier }) => verifier.name) }
}

/**
 * Reads every further checkpoint of a folder, in the order of their sizes. One that is not signed, is of another log, or
 * is of a larger tree than the log shows is a finding.
 */
export async function readOlderHeads(
  source: TreeSource,
  head: Head,
  keys: readonly NoteVerifier[],
  findings: Findings,
): Promise<readonly Head[]> {
  const heads: Head[] = []
  for (const path of await source.checkpoints()) {
    try {
      const older = await readHead(source, path, keys)
      if (older === undefined) continue
      checkHead(older, head)
      heads.push(older)
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      findings.add({ code: error.machineCode, path, message: error.message })
    }
  }
  return heads.toSorted((a, b) => a.size - b.size)
}

function checkHead(older: Head, head: Head): void {
  if (older.origin !== head.origin)
    throw new ProofError('inconsistent', `it is a checkpoint of ${older.origin}, not of ${head.origin}`)
  if (older.size > head.size)
    throw new ProofError('truncated', `the log signed ${older.size} entries, and shows only ${head.size}`)
  if (older.size === head.size && !equalBytes(older.root, head.root))
    throw new ProofError('equivocation', `the log signed two roots of ${head.size} entries`)
}
