import t from 'tap'
import { CompactRange } from '../../proofs/compact-range.js'
import { leafHash } from '../../proofs/hashing.js'
import {
  consistencyProof,
  inclusionProof,
  rootOfLeafHashes,
  verifyConsistency,
  verifyInclusion,
} from '../../proofs/merkle.js'
import { TileTree } from '../../ledger/tile-tree.js'

const leafOf = (index: number): Uint8Array => leafHash(Buffer.from(`entry ${index}`))

/** A tree of `size` leaves that was stored and opened again at each of `stops`. */
function grow(size: number, stops: readonly number[]): { tree: TileTree; tiles: Map<string, Uint8Array> } {
  const tiles = new Map<string, Uint8Array>()
  const read = (level: number, index: number): Uint8Array | undefined => tiles.get(`${level}/${index}`)
  let tree = new TileTree(0, read)
  for (let index = 0; index < size; index++) {
    if (stops.includes(index)) {
      const changed = tree.changed()
      for (const { level, index: at, hashes } of changed) tiles.set(`${level}/${at}`, hashes)
      tree.stored(changed)
      tree = new TileTree(index, read)
    }
    tree.append(leafOf(index))
  }
  return { tree, tiles }
}

void t.test('has the root of RFC 6962 at every size, also when it is opened again', (t) => {
  const leaves: Uint8Array[] = []
  const range = new CompactRange()
  const tree = new TileTree(0, () => undefined)
  for (let size = 0; size <= 600; size++) {
    t.same(Buffer.from(tree.root()), Buffer.from(rootOfLeafHashes(leaves)))
    const leaf = leafOf(size)
    leaves.push(leaf)
    range.append(leaf)
    tree.append(leaf)
  }
  for (const size of [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000]) {
    const range = new CompactRange()
    for (let index = 0; index < size; index++) range.append(leafOf(index))
    const { tree } = grow(size, [1, 2, 255, 256, 300, 65_000, size - 1])
    t.same(Buffer.from(tree.root()), Buffer.from(range.root()), `size ${size}`)
  }
  t.end()
})

void t.test('proves inclusion and consistency across tiles', (t) => {
  const size = 66_000
  const { tree } = grow(size, [10_000, 65_536])
  const root = tree.root()
  for (const index of [0, 1, 255, 256, 9_999, 65_535, 65_536, size - 1]) {
    const proof = inclusionProof(index, size, tree.node)
    t.ok(verifyInclusion(index, size, leafOf(index), proof, root), `entry ${index}`)
  }
  for (const from of [1, 255, 256, 257, 65_536, 65_537, size]) {
    const older = grow(from, []).tree.root()
    t.ok(verifyConsistency(from, size, consistencyProof(from, size, tree.node), older, root), `from ${from}`)
  }
  t.end()
})

void t.test('has the tiles of the specification for 70,000 entries', (t) => {
  const { tree } = grow(70_000, [])
  const tiles = tree.changed()
  const count = (level: number): number => tiles.filter((tile) => tile.level === level).length
  t.equal(count(0), 274, '273 full ones and a partial one')
  t.equal(count(1), 2)
  t.equal(count(2), 1)
  t.equal(tree.tile(0, 273, 112).length, 112 * 32)
  t.equal(tree.tile(1, 1, 17).length, 17 * 32)
  t.equal(tree.tile(2, 0, 1).length, 32)
  t.throws(() => tree.tile(0, 273, 113), { code: 'NOT_FOUND' })
  t.end()
})

void t.test('a tile that is missing is named', (t) => {
  t.throws(() => new TileTree(300, () => undefined), { code: 'INDEX_DAMAGED' })
  t.end()
})
