import { equalBytes } from './bytes.js'
import { ProofError } from './errors.js'
import { HASH_SIZE, nodeHash, sha256 } from './hashing.js'

export { HASH_SIZE, leafHash, nodeHash } from './hashing.js'

/** Root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0))

/**
 * Hands out the hash of a perfect subtree: the one over leaves [index·2^level, (index+1)·2^level). It is only asked for
 * subtrees that lie wholly inside the tree.
 */
export type NodeReader = (level: number, index: number) => Uint8Array

/** Longest path that any tree of up to 2^53 leaves can need. */
export const MAX_PROOF_HASHES = 64

function assertCount(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} must be a whole number, not ${value}`)
}

/** Hash over the leaves [start, end), folded from the perfect subtrees that make it up. */
export function rangeRoot(start: number, end: number, read: NodeReader): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = start; at < end;) {
    let level = 0
    for (let width = 1; at % (width * 2) === 0 && at + width * 2 <= end; width *= 2) level++
    parts.push(read(level, at / 2 ** level))
    at += 2 ** level
  }
  let root = parts.pop()
  if (root === undefined) return EMPTY_ROOT
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) root = nodeHash(part, root)
  return root
}

/** Largest power of two below `count` (count ≥ 2): where RFC 6962 section 2.1 splits a tree. */
export function splitPoint(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

/** Root of the first `size` leaves, from stored perfect subtrees. */
export function treeRoot(size: number, read: NodeReader): Uint8Array {
  assertCount(size, 'tree size')
  return rangeRoot(0, size, read)
}

/** Root over leaf hashes held in memory (RFC 6962 section 2.1). */
export function rootOfLeafHashes(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves
  if (level.length === 0) return EMPTY_ROOT
  while (level.length > 1) level = parents(level)
  return level[0] ?? EMPTY_ROOT
}

/** The next level up; an odd last node moves up unchanged, which is what splitting at a power of two comes to. */
function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const next: Uint8Array[] = []
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i]
    const right = level[i + 1]
    if (left === undefined) break
    next.push(right === undefined ? left : nodeHash(left, right))
  }
  return next
}

/** A {@link NodeReader} over leaf hashes held in memory; it computes each level once. */
export function nodeReaderOf(leaves: readonly Uint8Array[]): NodeReader {
  const levels: (readonly Uint8Array[])[] = [leaves]
  return (level, index) => {
    let below = levels.at(-1) ?? leaves
    while (levels.length <= level && below.length > 1) {
      below = parents(below)
      levels.push(below)
    }
    const found = levels[level]?.[index]
    if (found === undefined) throw new RangeError(`no node ${level}/${index} over ${leaves.length} leaves`)
    return found
  }
}

/**
 * Inclusion proof of leaf `index` in the tree of the first `size` leaves (RFC 9162 section 2.1.3.1), from the leaf's
 * sibling up to the root's child.
 *
 * @throws RangeError when `index` is not below `size`
 */
export function inclusionProof(index: number, size: number, read: NodeReader): Uint8Array[] {
  assertCount(index, 'leaf index')
  assertCount(size, 'tree size')
  if (index >= size) throw new RangeError(`leaf ${index} is not in a tree of ${size}`)
  const proof: Uint8Array[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + splitPoint(end - start)
    if (index < middle) {
      proof.push(rangeRoot(middle, end, read))
      end = middle
    } else {
      proof.push(rangeRoot(start, middle, read))
      start = middle
    }
  }
  return proof.reverse()
}

/**
 * Consistency proof between the trees of the first `size1` and the first `size2` leaves (RFC 9162 section 2.1.4.1).
 *
 * @throws RangeError unless 0 < size1 ≤ size2
 */
export function consistencyProof(size1: number, size2: number, read: NodeReader): Uint8Array[] {
  assertCount(size1, 'first tree size')
  assertCount(size2, 'second tree size')
  if (size1 === 0 || size1 > size2)
    throw new RangeError(`no consistency proof from size ${size1} to ${size2}`)
  const proof: Uint8Array[] = []
  let start = 0
  let end = size2
  let known = true
  while (size1 !== end) {
    const middle = start + splitPoint(end - start)
    if (size1 <= middle) {
      proof.push(rangeRoot(middle, end, read))
      end = middle
    } else {
      proof.push(rangeRoot(start, middle, read))
      start = middle
      known = false
    }
  }
  if (!known) proof.push(rangeRoot(start, end, read))
  return proof.reverse()
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.length <= MAX_PROOF_HASHES && hashes.every((hash) => hash.length === HASH_SIZE)
}

/**
 * The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2).
 *
 * @returns `undefined` when the proof does not have the shape that (index, size) asks for
 */
export function rootFromInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!isCount(index) || !isCount(size) || index >= size) return undefined
  if (leaf.length !== HASH_SIZE || !areHashes(proof)) return undefined
  let node = index
  let last = size - 1
  let root = leaf
  for (const hash of proof) {
    if (last === 0) return undefined
    if (node % 2 === 1 || node === last) {
      root = nodeHash(hash, root)
      while (node % 2 === 0 && node !== 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else {
      root = nodeHash(root, hash)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? root : undefined
}

/** Whether `proof` shows that `leaf` is at `index` in the tree of `size` leaves with this root. Never throws. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  const computed = rootFromInclusion(index, size, leaf, proof)
  return computed !== undefined && equalBytes(computed, root)
}

/**
 * Whether `proof` shows that the tree (size1, root1) is a prefix of the tree (size2, root2) (RFC 9162 section 2.1.4.2).
 * Never throws. Size 0 is refused: the empty tree is a prefix of everything, so there is nothing to prove.
 */
export function verifyConsistency(
  size1: number,
  size2: number,
  proof: readonly Uint8Array[],
  root1: Uint8Array,
  root2: Uint8Array,
): boolean {
  if (!isCount(size1) || !isCount(size2) || size1 === 0 || size1 > size2 || !areHashes(proof)) return false
  if (size1 === size2) return proof.length === 0 && equalBytes(root1, root2)
  let node = size1 - 1
  let last = size2 - 1
  while (node % 2 === 1) {
    node = (node - 1) / 2
    last = Math.floor(last / 2)
  }
  // A first tree of 2^k leaves is itself a node of the second one, so the proof leaves its root out.
  const rest = node === 0 ? [root1, ...proof] : proof
  const seed = rest[0]
  if (proof.length === 0 || seed === undefined || seed.length !== HASH_SIZE) return false
  let first = seed
  let second = seed
  for (const hash of rest.slice(1)) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      first = nodeHash(hash, first)
      second = nodeHash(hash, second)
      while (node % 2 === 0 && node !== 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else {
      second = nodeHash(second, hash)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && equalBytes(first, root1) && equalBytes(second, root2)
}

/** Checks an inclusion proof and throws what is wrong with it. */
export function assertInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (!verifyInclusion(index, size, leaf, proof, root))
    throw new ProofError('not_included', `entry ${index} is not proven to be in the tree of ${size} entries`)
}
