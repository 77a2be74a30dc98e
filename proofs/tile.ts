import { Buffer } from 'node:buffer'
import { viewOf } from './bytes.js'
import { ProofError } from './errors.js'
import { HASH_SIZE, rootOfLeafHashes } from './merkle.js'
import type { NodeReader } from './merkle.js'

/** Hashes of a full tile, and entries of a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256
const TILE_HEIGHT = 8
/** Highest tile level: 256^7 leaves are more than 2^53. */
const MAX_LEVEL = 6
const MAX_ENTRY = 0xffff

/** A tile of hashes, or (level `entries`) a bundle of entries. */
export interface Tile {
  /** 0 for leaf hashes; each level's hashes are the roots of full tiles below. */
  readonly level: number | 'entries'
  readonly index: number
  /** 1 to 256; below 256 the tile is partial. */
  readonly width: number
}

/** Path of a tile below the log's prefix: `tile/0/x001/x234/067`, partial ones with `.p/W`. */
export function tilePath(tile: Tile): string {
  const digits = String(tile.index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const groups = padded.match(/[0-9]{3}/g) ?? []
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${tile.level}/${path}${tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`}`
}

const PATH = /^tile\/(entries|[0-6])\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/**
 * Reads a tile path; only the one spelling that {@link tilePath} writes is accepted.
 *
 * @returns `undefined` when the path names no tile
 */
export function parseTilePath(path: string): Tile | undefined {
  const match = PATH.exec(path)
  const [, level, groups, width] = match ?? []
  if (level === undefined || groups === undefined) return undefined
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  }
  return Number.isSafeInteger(tile.index) && tile.width <= TILE_WIDTH && tilePath(tile) === path
    ? tile
    : undefined
}

/** Number of hashes at a tile level of a tree: its leaves, divided by 256 per level. */
function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

function* tilesOf(level: Tile['level'], before: number, after: number): Generator<Tile> {
  if (after === before) return
  for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < after; index++)
    yield { level, index, width: Math.min(TILE_WIDTH, after - index * TILE_WIDTH) }
}

/**
 * The tiles that a tree has at `size` and did not have at `before`, lowest level first: what a log writes when it grows.
 * With `before` 0 they are all tiles of the tree, its partial ones among them.
 */
export function* hashTiles(size: number, before = 0): Generator<Tile> {
  for (let level = 0; level <= MAX_LEVEL && hashesAt(level, size) > 0; level++)
    yield* tilesOf(level, hashesAt(level, before), hashesAt(level, size))
}

/** The entry bundles that a log has at `size` and did not have at `before`. */
export function* entryBundles(size: number, before = 0): Generator<Tile> {
  yield* tilesOf('entries', before, size)
}

/** Whether a log of `size` entries has this tile; partial tiles of every earlier size count. */
export function hasTile(tile: Tile, size: number): boolean {
  const hashes = hashesAt(tile.level === 'entries' ? 0 : tile.level, size)
  return tile.index * TILE_WIDTH + tile.width <= hashes
}

/**
 * Reads nodes of any level out of tiles, which only store every eighth.
 *
 * @param readTile hands out the hashes of a tile, at least those up to the one that is asked for
 */
export function tileNodeReader(
  readTile: (level: number, index: number) => readonly Uint8Array[],
): NodeReader {
  return (level, index) => {
    const inside = level % TILE_HEIGHT
    const first = index * 2 ** inside
    const hashes = readTile((level - inside) / TILE_HEIGHT, Math.floor(first / TILE_WIDTH))
    const start = first % TILE_WIDTH
    const part = hashes.slice(start, start + 2 ** inside)
    if (part.length !== 2 ** inside) throw new RangeError(`no tile holds node ${level}/${index}`)
    return rootOfLeafHashes(part)
  }
}

/**
 * The hashes of a tile.
 *
 * @throws ProofError `bad_root` when the bytes are not `width` hashes
 */
export function parseHashTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * HASH_SIZE)
    throw new ProofError('bad_root', `a tile of ${width} hashes has ${bytes.length} bytes`)
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE))
}

/**
 * Frames entries: for each its length as a 16-bit big-endian number, then its bytes.
 *
 * @throws ProofError `too_large` for an entry above 65,535 bytes
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY)
      throw new ProofError('too_large', `an entry of ${entry.length} bytes, more than ${MAX_ENTRY}`)
    size += 2 + entry.length
  }
  const bundle = Buffer.allocUnsafe(size)
  let at = 0
  for (const entry of entries) {
    at = bundle.writeUInt16BE(entry.length, at)
    bundle.set(entry, at)
    at += entry.length
  }
  return bundle
}

/**
 * Takes framed entries apart; they are views of the same memory.
 *
 * @param maxEntries most entries that are accepted
 * @throws ProofError `malformed_bundle` when the bytes end inside an entry, `too_large` for more entries
 */
export function decodeEntryBundle(bytes: Uint8Array, maxEntries: number): Uint8Array[] {
  const view = viewOf(bytes)
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    if (entries.length === maxEntries)
      throw new ProofError('too_large', `a bundle of more than ${maxEntries} entries`)
    if (at + 2 > bytes.length) throw new ProofError('malformed_bundle', 'the bundle ends inside a length')
    const end = at + 2 + view.readUInt16BE(at)
    if (end > bytes.length) throw new ProofError('malformed_bundle', 'the bundle ends inside an entry')
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  return entries
}
