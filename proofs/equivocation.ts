import { equalBytes } from './bytes.js'
import { verifyCheckpoint } from './checkpoint.js'
import type { Checkpoint } from './checkpoint.js'
import { ProofError } from './errors.js'
import { verifyConsistency } from './merkle.js'
import type { NoteVerifier } from './note-key.js'

/** Two tree heads that one log signed and that cannot both be true: kept and shown, they convict it. */
export interface Equivocation {
  readonly origin: string
  readonly size: number
  /** The two roots, in the order of the checkpoints. */
  readonly roots: readonly [Uint8Array, Uint8Array]
}

/**
 * Looks whether two signed checkpoints of one log have the same size and different roots.
 *
 * @param verifiers keys of the log; a checkpoint that they did not sign proves nothing and is refused
 * @returns `undefined` when the two can both be true as far as this shows
 * @throws ProofError as `verifyCheckpoint`
 */
export function findEquivocation(
  first: Uint8Array,
  second: Uint8Array,
  verifiers: readonly NoteVerifier[],
): Equivocation | undefined {
  const a = verifyCheckpoint(first, verifiers).checkpoint
  const b = verifyCheckpoint(second, verifiers).checkpoint
  if (a.origin !== b.origin || a.size !== b.size || equalBytes(a.root, b.root)) return undefined
  return { origin: a.origin, size: a.size, roots: [a.root, b.root] }
}

/**
 * Checks that the tree of a newer checkpoint holds the whole tree of an older one.
 *
 * @param proof consistency proof; empty when the sizes are equal, or the older tree is empty
 * @throws ProofError `equivocation` for one size with two roots, `inconsistent` for everything else that does not fit
 */
export function assertConsistent(older: Checkpoint, newer: Checkpoint, proof: readonly Uint8Array[]): void {
  if (older.origin !== newer.origin)
    throw new ProofError('inconsistent', `checkpoints of ${older.origin} and ${newer.origin}`)
  if (older.size === newer.size && !equalBytes(older.root, newer.root))
    throw new ProofError('equivocation', `two roots of ${older.origin} at size ${older.size}`)
  // The empty tree is a prefix of every tree, which takes no proof and has none.
  const isConsistent =
    older.size === 0
      ? proof.length === 0
      : verifyConsistency(older.size, newer.size, proof, older.root, newer.root)
  if (!isConsistent)
    throw new ProofError('inconsistent', `size ${newer.size} is not proven to extend size ${older.size}`)
}
