import { equalBytes } from './bytes.js'
import { ProofError } from './errors.js'
import { HASH_SIZE, nodeHash } from './hashing.js'
import { rangeRoot, splitPoint } from './merkle.js'
import type { NodeReader } from './merkle.js'

/** A leaf and where it stands. */
export interface IndexedLeaf {
  readonly index: number
  /** RFC 6962 leaf hash. */
  readonly leaf: Uint8Array
}

/**
 * One proof for many leaves: the roots of the largest subtrees that hold none of them, from left to right. It is what the
 * inclusion proofs of all leaves (RFC 9162 section 2.1.3) come to when no hash is said twice and none that follows from
 * the leaves; for a single leaf it holds the very hashes of its inclusion proof, in tree order.
 *
 * @param indexes strictly ascending, at least one, all below `size`
 * @throws RangeError when they are not
 */
export function multiProof(indexes: readonly number[], size: number, read: NodeReader): Uint8Array[] {
  assertAscending(indexes, size)
  const proof: Uint8Array[] = []
  const visit = (start: number, end: number, low: number, high: number): void => {
    if (low === high) {
      proof.push(rangeRoot(start, end, read))
      return
    }
    // A subtree all of whose leaves are given says nothing.
    if (high - low === end - start) return
    const middle = start + splitPoint(end - start)
    const split = firstAtLeast(indexes, middle, low, high)
    visit(start, middle, low, split)
    visit(middle, end, split, high)
  }
  visit(0, size, 0, indexes.length)
  return proof
}

/**
 * The root that {@link multiProof} and these leaves lead to.
 *
 * @param leaves strictly ascending by index
 * @returns `undefined` when the proof does not have the shape that the indexes and the size ask for
 */
export function rootFromMultiProof(
  leaves: readonly IndexedLeaf[],
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  const indexes = leaves.map(({ index }) => index)
  if (!isAscending(indexes, size)) return undefined
  if (leaves.some(({ leaf }) => leaf.length !== HASH_SIZE)) return undefined
  if (proof.some((hash) => hash.length !== HASH_SIZE)) return undefined
  let used = 0
  const rootOf = (start: number, end: number, low: number, high: number): Uint8Array | undefined => {
    if (low === high) return proof[used++]
    if (end - start === 1) return leaves[low]?.leaf
    const middle = start + splitPoint(end - start)
    const split = firstAtLeast(indexes, middle, low, high)
    const left = rootOf(start, middle, low, split)
    const right = left && rootOf(middle, end, split, high)
    return left && right && nodeHash(left, right)
  }
  const root = rootOf(0, size, 0, leaves.length)
  return used === proof.length ? root : undefined
}

/**
 * Checks a {@link multiProof}.
 *
 * @throws ProofError `not_included`
 */
export function assertAllIncluded(
  leaves: readonly IndexedLeaf[],
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  const computed = rootFromMultiProof(leaves, size, proof)
  if (computed === undefined || !equalBytes(computed, root))
    throw new ProofError(
      'not_included',
      `${leaves.length} entries are not proven to be in the tree of ${size} entries`,
    )
}

function isAscending(indexes: readonly number[], size: number): boolean {
  let previous = -1
  for (const index of indexes) {
    if (!Number.isSafeInteger(index) || index <= previous) return false
    previous = index
  }
  return Number.isSafeInteger(size) && previous >= 0 && previous < size
}

function assertAscending(indexes: readonly number[], size: number): void {
  if (!isAscending(indexes, size)) throw new RangeError(`the leaves are not in order below ${size}`)
}

/** Position of the first index of `[low, high)` that is at least `value`. */
function firstAtLeast(indexes: readonly number[], value: number, low: number, high: number): number {
  let from = low
  let to = high
  while (from < to) {
    const half = Math.floor((from + to) / 2)
    if ((indexes[half] ?? Number.POSITIVE_INFINITY) < value) from = half + 1
    else to = half
  }
  return from
}
