import { equalBytes } from '../../proofs/bytes.js'
import { verifyCheckpoint } from '../../proofs/checkpoint.js'
import { formatEquivocationProof } from '../../proofs/equivocation-proof.js'
import { decodeVkey } from '../../proofs/note-key.js'
import type { Identity } from '../identity.js'
import type { PublishedCheckpoint } from '../log.js'

/** What has to be known of a log to have it witnessed. */
export interface WitnessedSource {
  readonly identity: Pick<Identity, 'origin' | 'vkey' | 'signer'>
  readonly published: PublishedCheckpoint
  consistency(from: number, to: number): readonly Uint8Array[]
  /** Root of the first `size` entries. */
  rootAt(size: number): Uint8Array
}

/** A proof that the log's key signed another history than the one that is here. */
export interface Conflict {
  readonly proof: Uint8Array
  /** Size of which there are two roots. */
  readonly size: number
}

/**
 * Compares a checkpoint that somebody kept with the log.
 *
 * @returns `undefined` when both can be true, or when the log is not that large yet
 * @throws ProofError when the log's key did not sign it: then it says nothing of the log
 */
export function findConflict(note: Uint8Array, log: WitnessedSource): Conflict | undefined {
  const { identity, published } = log
  const { checkpoint } = verifyCheckpoint(note, [decodeVkey(identity.vkey)])
  const { size } = checkpoint
  if (checkpoint.origin !== identity.origin || size === 0 || size > published.size) return undefined
  const root = log.rootAt(size)
  if (equalBytes(root, checkpoint.root)) return undefined
  const fork = { root, proof: log.consistency(size, published.size) }
  const proof = { first: note, second: published.note, ...(size !== published.size && { fork }) }
  return { proof: formatEquivocationProof(proof), size }
}
