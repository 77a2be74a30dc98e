/**
 * The Merkle tree of the log, kept as hash tiles (C2SP tlog-tiles: 256 hashes wide, 8 levels high). Full tiles never
 * change; the growing one of each level is written again with every commit.
 */
import { CompactRange } from '../proofs/compact-range.js'
import { HASH_SIZE, nodeHash } from '../proofs/hashing.js'
import { LedgerError } from './errors.js'

/** Hashes in a full tile, and tree levels that a tile level spans. */
export const TILE_WIDTH = 256
export const TILE_HEIGHT = 8
/** Full tiles that are kept in memory for proofs; about 16 KiB each. */
const CACHED_TILES = 512

export interface StoredTile {
  readonly level: number
  readonly index: number
  /** One to 256 hashes. */
  readonly hashes: Uint8Array
}

/** Gives the stored tile, as wide as it is stored, or `undefined`. */
export type TileReader = (level: number, index: number) => Uint8Array | undefined

interface Tile {
  readonly level: number
  readonly index: number
  readonly hashes: Buffer
  width: number
  /** Hashes of the perfect subtrees inside the tile by level (1 to 7) and position, as they become known. */
  readonly inner: (Uint8Array | undefined)[][]
  changed: boolean
}

export class TileTree {
  readonly #read: TileReader
  readonly #range: CompactRange
  /** By `level/index`, the least recently used first. */
  readonly #tiles = new Map<string, Tile>()
  /** The tile that grows, by level. */
  readonly #growing: Tile[] = []

  /**
   * The tree of the first `size` leaves, out of stored tiles.
   *
   * @throws LedgerError `INDEX_DAMAGED` when a tile that this size needs is missing or too narrow
   */
  constructor(size: number, read: TileReader) {
    this.#read = read
    const edge: Uint8Array[] = []
    let start = 0
    for (let level = 52; level >= 0; level--) {
      const width = 2 ** level
      if (Math.floor(size / width) % 2 === 0) continue
      edge.push(this.node(level, start / width))
      start += width
    }
    this.#range = CompactRange.restore(size, edge)
  }

  /** Number of leaves. */
  get size(): number {
    return this.#range.size
  }

  root(): Uint8Array {
    return this.#range.root()
  }

  append(leaf: Uint8Array): void {
    this.#range.append(leaf, (level, index, hash) => {
      const tileLevel = Math.floor(level / TILE_HEIGHT)
      const inside = level % TILE_HEIGHT
      const span = TILE_WIDTH >> inside
      const tile = this.#grow(tileLevel, Math.floor(index / span))
      const position = index % span
      if (inside === 0) {
        tile.hashes.set(hash, position * HASH_SIZE)
        tile.width = position + 1
        tile.changed = true
      } else {
        remember(tile, inside, position, hash)
      }
    })
  }

  /** The hash over leaves [index·2^level, (index+1)·2^level), which must all be there. */
  readonly node = (level: number, index: number): Uint8Array => {
    const inside = level % TILE_HEIGHT
    const span = TILE_WIDTH >> inside
    const tile = this.#tile(Math.floor(level / TILE_HEIGHT), Math.floor(index / span))
    return hashInside(tile, inside, index % span)
  }

  /**
   * The tile's first `width` hashes.
   *
   * @throws LedgerError `NOT_FOUND` when the tree does not hold that many
   */
  tile(level: number, index: number, width: number): Uint8Array {
    const tile = this.#tile(level, index)
    if (width < 1 || tile.width < width) {
      throw new LedgerError('NOT_FOUND', `there is no tile ${level}/${index} of ${width} hashes`)
    }
    return Uint8Array.from(tile.hashes.subarray(0, width * HASH_SIZE))
  }

  /** The tiles that changed, to be stored; call `stored` with them once they are durable. */
  changed(): readonly StoredTile[] {
    const list: StoredTile[] = []
    for (const tile of this.#tiles.values()) {
      if (!tile.changed) continue
      const hashes = Uint8Array.from(tile.hashes.subarray(0, tile.width * HASH_SIZE))
      list.push({ level: tile.level, index: tile.index, hashes })
    }
    return list
  }

  /** Lets go of tiles that are safely stored. A tile that grew since then stays. */
  stored(tiles: readonly StoredTile[]): void {
    for (const { level, index, hashes } of tiles) {
      const tile = this.#tiles.get(`${level}/${index}`)
      if (tile !== undefined && tile.width * HASH_SIZE === hashes.length) tile.changed = false
    }
    for (const [key, tile] of this.#tiles) {
      if (this.#tiles.size <= CACHED_TILES) break
      if (!tile.changed && tile.width === TILE_WIDTH) this.#tiles.delete(key)
    }
  }

  #grow(level: number, index: number): Tile {
    const growing = this.#growing[level]
    if (growing?.index === index) return growing
    return (this.#growing[level] = this.#tile(level, index))
  }

  #tile(level: number, index: number): Tile {
    const key = `${level}/${index}`
    const known = this.#tiles.get(key)
    if (known !== undefined) {
      this.#tiles.delete(key)
      this.#tiles.set(key, known)
      return known
    }
    const stored = this.#read(level, index)
    const hashes = Buffer.alloc(TILE_WIDTH * HASH_SIZE)
    if (stored !== undefined) hashes.set(stored.subarray(0, hashes.length))
    const width = stored === undefined ? 0 : Math.floor(stored.length / HASH_SIZE)
    const tile: Tile = { level, index, hashes, width, inner: [], changed: false }
    this.#tiles.set(key, tile)
    return tile
  }
}

function remember(tile: Tile, inside: number, position: number, hash: Uint8Array): void {
  const row = (tile.inner[inside] ??= [])
  row[position] = hash
}

function hashInside(tile: Tile, inside: number, position: number): Uint8Array {
  if (inside === 0) {
    if (position >= tile.width) {
      throw new LedgerError('INDEX_DAMAGED', `tile ${tile.level}/${tile.index} lacks its hash ${position}`)
    }
    return tile.hashes.subarray(position * HASH_SIZE, (position + 1) * HASH_SIZE)
  }
  const known = tile.inner[inside]?.[position]
  if (known !== undefined) return known
  const left = hashInside(tile, inside - 1, position * 2)
  const right = hashInside(tile, inside - 1, position * 2 + 1)
  const hash = nodeHash(left, right)
  remember(tile, inside, position, hash)
  return hash
}
