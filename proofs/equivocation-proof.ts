import { decodeBase64, encodeBase64 } from './base64.js'
import { concatBytes, decodeUtf8, equalBytes, utf8Bytes, viewOf } from './bytes.js'
import { canonicalBytes, isCanonicalObject } from './canonical-json.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { parseCanonical } from './canonical-parser.js'
import { verifyCheckpoint } from './checkpoint.js'
import type { Equivocation } from './equivocation.js'
import { ProofError } from './errors.js'
import { HASH_SIZE } from './hashing.js'
import { MAX_PROOF_HASHES, verifyConsistency } from './merkle.js'
import type { NoteVerifier } from './note-key.js'

/** Member `format` of such a proof; another version is another format. */
export const EQUIVOCATION_FORMAT = 'portcullis.dev/equivocation/v1'
const MAX_BYTES = 512 * 1024

/** Two checkpoints that one log signed and that cannot both be true. It convicts whoever holds the log's key. */
export interface EquivocationProof {
  /** The smaller one, or either when the sizes are equal. */
  readonly first: Uint8Array
  readonly second: Uint8Array
  /**
   * For two sizes: the root that the second tree has at the first's size, and the consistency proof that ties it to the
   * second. There is only one such root, and it is not the one that the first checkpoint names.
   */
  readonly fork?: { readonly root: Uint8Array; readonly proof: readonly Uint8Array[] }
}

function malformed(message: string): ProofError {
  return new ProofError('malformed_proof', message)
}

/** Writes a proof: canonical JSON and a newline. */
export function formatEquivocationProof({ first, second, fork }: EquivocationProof): Uint8Array {
  const [a, b] = [decodeUtf8(first), decodeUtf8(second)]
  if (a === undefined || b === undefined) throw malformed('a checkpoint is not UTF-8')
  const container: CanonicalObject = {
    format: EQUIVOCATION_FORMAT,
    first: a,
    second: b,
    ...(fork !== undefined && { root: encodeBase64(fork.root), proof: fork.proof.map(encodeBase64) }),
  }
  return concatBytes(canonicalBytes(container), utf8Bytes('\n'))
}

/** Several proofs as one JSON document: `{"equivocations":[…]}`, each in the canonical form that it has alone. */
export function formatEquivocationList(proofs: readonly Uint8Array[]): Uint8Array {
  const items = proofs.map((proof) => viewOf(proof).toString('utf8').trimEnd())
  return utf8Bytes(`{"equivocations":[${items.join(',')}]}\n`)
}

/** @throws ProofError `malformed_proof`, `not_canonical`, `duplicate_key` or `too_large` */
export function parseEquivocationProof(bytes: Uint8Array): EquivocationProof {
  if (bytes.at(-1) !== 0x0a) throw malformed('the proof does not end in a newline')
  const value = parseCanonical(bytes.subarray(0, -1), { maxBytes: MAX_BYTES, maxDepth: 3 })
  if (!isCanonicalObject(value)) throw malformed('the proof is not an object')
  const { format, first, second, root, proof, ...rest } = value
  if (format !== EQUIVOCATION_FORMAT) throw malformed(`format is not ${EQUIVOCATION_FORMAT}`)
  if (typeof first !== 'string' || typeof second !== 'string') throw malformed('a checkpoint is missing')
  if (Object.keys(rest).length > 0) throw malformed('the proof has a member that is not known')
  const notes = { first: utf8Bytes(first), second: utf8Bytes(second) }
  if (root === undefined && proof === undefined) return notes
  if (!Array.isArray(proof) || proof.length > MAX_PROOF_HASHES)
    throw malformed('proof is not a list of hashes')
  const hashes: readonly CanonicalValue[] = proof
  return { ...notes, fork: { root: readHash(root), proof: hashes.map(readHash) } }
}

function readHash(value: CanonicalValue | undefined): Uint8Array {
  const hash = typeof value === 'string' ? decodeBase64(value) : undefined
  if (hash?.length !== HASH_SIZE) throw malformed('a hash is not the canonical base64 of 32 bytes')
  return hash
}

/**
 * Verifies that a proof convicts its log.
 *
 * @param verifiers keys of the log
 * @returns the size at which there are two roots, and both of them
 * @throws ProofError `malformed_proof` when the two can both be true as far as this shows, or as `verifyCheckpoint`
 */
export function verifyEquivocationProof(
  { first, second, fork }: EquivocationProof,
  verifiers: readonly NoteVerifier[],
): Equivocation {
  const a = verifyCheckpoint(first, verifiers, { extensions: 'ignore' }).checkpoint
  const b = verifyCheckpoint(second, verifiers, { extensions: 'ignore' }).checkpoint
  if (a.origin !== b.origin) throw malformed('the checkpoints are of two logs')
  const root = fork === undefined ? b.root : fork.root
  const isRootOfSecond =
    fork === undefined ? a.size === b.size : verifyConsistency(a.size, b.size, fork.proof, root, b.root)
  if (!isRootOfSecond || equalBytes(a.root, root)) throw malformed('both checkpoints can be true')
  return { origin: a.origin, size: a.size, roots: [a.root, root] }
}
