import { ProofError } from './errors.js'
import { concatBytes } from './bytes.js'
import { EMPTY_ROOT, HASH_SIZE, nodeHash } from './merkle.js'

/** Told of every perfect subtree that an append completes, leaves (level 0) included, lowest level first. */
export type NodeVisitor = (level: number, index: number, hash: Uint8Array) => void

/**
 * The growing edge of a Merkle tree: the roots of the perfect subtrees that make up its leaves, largest first. Appending
 * costs one or two hashes on average, and the state is at most 53 hashes however large the tree is.
 */
export class CompactRange {
  #size = 0
  #edge: Uint8Array[] = []

  /**
   * Restores a tree from its size and its edge.
   *
   * @throws ProofError `bad_root` when the number of hashes does not fit the size
   */
  static restore(size: number, edge: readonly Uint8Array[]): CompactRange {
    if (!Number.isSafeInteger(size) || size < 0 || edge.length !== onesOf(size))
      throw new ProofError('bad_root', `${edge.length} edge hashes do not make a tree of ${size} leaves`)
    if (edge.some((hash) => hash.length !== HASH_SIZE))
      throw new ProofError('bad_root', 'an edge hash is not 32 bytes long')
    const range = new CompactRange()
    range.#size = size
    range.#edge = edge.map((hash) => Uint8Array.from(hash))
    return range
  }

  /** Restores what {@link serialise} wrote. */
  static deserialise(bytes: Uint8Array): CompactRange {
    if (bytes.length < 8 || (bytes.length - 8) % HASH_SIZE !== 0)
      throw new ProofError('bad_root', `${bytes.length} bytes are not a serialised tree edge`)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const edge: Uint8Array[] = []
    for (let at = 8; at < bytes.length; at += HASH_SIZE) edge.push(bytes.subarray(at, at + HASH_SIZE))
    return CompactRange.restore(Number(view.getBigUint64(0)), edge)
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size
  }

  /** The edge, largest subtree first; copies. */
  get edge(): Uint8Array[] {
    return this.#edge.map((hash) => Uint8Array.from(hash))
  }

  /** Adds the next leaf by its {@link leafHash}. */
  append(leaf: Uint8Array, visit?: NodeVisitor): void {
    if (leaf.length !== HASH_SIZE) throw new RangeError('a leaf hash is 32 bytes long')
    let hash = leaf
    let index = this.#size
    let level = 0
    visit?.(level, index, hash)
    while (index % 2 === 1) {
      const left = this.#edge.pop()
      if (left === undefined) throw new RangeError('the tree edge is shorter than its size says')
      hash = nodeHash(left, hash)
      index = (index - 1) / 2
      level++
      visit?.(level, index, hash)
    }
    this.#edge.push(hash)
    this.#size++
  }

  /** RFC 6962 root of the leaves so far. */
  root(): Uint8Array {
    let root: Uint8Array | undefined
    for (const hash of this.#edge.toReversed()) root = root === undefined ? hash : nodeHash(hash, root)
    return root ?? EMPTY_ROOT
  }

  /** An independent copy: appends to one do not show in the other. */
  clone(): CompactRange {
    const copy = new CompactRange()
    copy.#size = this.#size
    copy.#edge = [...this.#edge]
    return copy
  }

  /** Size as a 64-bit big-endian number, then the edge hashes, largest subtree first. */
  serialise(): Uint8Array {
    const size = new Uint8Array(8)
    new DataView(size.buffer).setBigUint64(0, BigInt(this.#size))
    return concatBytes(size, ...this.#edge)
  }
}

/** Number of one bits of a whole number up to 2^53. */
function onesOf(value: number): number {
  let ones = 0
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}
