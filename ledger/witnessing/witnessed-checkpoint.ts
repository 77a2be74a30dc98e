import { equalBytes } from '../../proofs/bytes.js'
import { verifyCheckpoint } from '../../proofs/checkpoint.js'
import { cosignatureTime, decodeVkey } from '../../proofs/note-key.js'
import { isQuorumMet } from '../../proofs/policy.js'
import type { Policy } from '../../proofs/policy.js'
import { appendSignatures, compareSignatures } from '../../proofs/signed-note.js'
import type { NoteSignature } from '../../proofs/signed-note.js'
import type { PublishedCheckpoint } from '../log.js'
import type { WitnessedSource } from './conflict.js'

/** A checkpoint that the quorum cosigned; its `note` holds the cosignatures, its `time` is that of the newest of them. */
export interface WitnessedCheckpoint extends PublishedCheckpoint {
  /** By the name of the witness in the policy. */
  readonly cosignatures: ReadonlyMap<string, NoteSignature>
}

/** Puts cosignatures under the log's own signature. */
export function witnessedCheckpoint(
  checkpoint: Pick<PublishedCheckpoint, 'size' | 'root' | 'note'>,
  cosignatures: ReadonlyMap<string, NoteSignature>,
): WitnessedCheckpoint {
  const { size, root } = checkpoint
  const lines = [...cosignatures.values()].toSorted(compareSignatures)
  const times = lines.map(({ signature }) => Number(cosignatureTime(signature) ?? 0n) * 1000)
  return {
    size,
    root,
    note: appendSignatures(checkpoint.note, lines),
    time: Math.max(0, ...times),
    cosignatures,
  }
}

/**
 * Looks whether the witnessed checkpoint that a former run kept is still one.
 *
 * @param note what was kept
 * @returns `undefined` when this policy does not take it for witnessed
 * @throws ProofError when it is damaged, RangeError when it is of another history
 */
export function believeWitnessed(
  note: Uint8Array,
  policy: Policy,
  log: WitnessedSource,
): WitnessedCheckpoint | undefined {
  const { witnesses } = policy
  const verifiers = [decodeVkey(log.identity.vkey), ...witnesses.map(({ verifier }) => verifier)]
  const { checkpoint, verification } = verifyCheckpoint(note, verifiers)
  const cosignatures = new Map(
    verification.verified.flatMap(({ verifier, signature }) => {
      const witness = witnesses.find((one) => one.verifier === verifier)
      return witness === undefined ? [] : [[witness.name, signature] as const]
    }),
  )
  const { size, root } = checkpoint
  if (size > log.published.size || !equalBytes(root, log.rootAt(size)))
    throw new RangeError(`it is of another history of ${log.identity.origin}, at size ${size}`)
  if (!isQuorumMet(policy, new Set(cosignatures.keys()))) return undefined
  return { ...witnessedCheckpoint({ size, root, note }, cosignatures), note }
}
