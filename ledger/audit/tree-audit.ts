import { equalBytes } from '../../proofs/bytes.js'
import { CompactRange } from '../../proofs/compact-range.js'
import { HASH_SIZE, leafHash } from '../../proofs/hashing.js'
import { rootOfLeafHashes } from '../../proofs/merkle.js'
import { entryBundles, parseHashTile, TILE_WIDTH, tilePath } from '../../proofs/tile.js'
import type { Tile } from '../../proofs/tile.js'
import { ahead } from './ahead.js'
import type { AuditOptions, EntryCheck } from './audit.js'
import type { Head } from './heads.js'
import { AuditStop } from './report.js'
import type { AuditCounts, AuditFinding, Findings } from './report.js'
import type { TreeSource } from './source.js'
import { TileFiles } from './tile-files.js'
import type { BundleFile } from './tile-files.js'

/** Tree levels that a tile level spans. */
const TILE_HEIGHT = 8

interface Options extends Pick<AuditOptions, 'onProgress'> {
  readonly concurrency: number
  readonly entries?: EntryCheck
}

/** A tile of a level above the leaves as it is computed, from its first hash to its last. */
interface GrowingTile {
  index: number
  width: number
  readonly hashes: Buffer
}

/** Up to 256 entries, and what the log stores for them. */
interface Loaded {
  readonly tile: Tile
  readonly bundle: BundleFile | AuditFinding
  readonly stored: Uint8Array | AuditFinding
}

/** The pass over the entries and tiles of one tree. */
export class TreeAudit {
  readonly #source: TreeSource
  readonly #files: TileFiles
  readonly #head: Head
  readonly #findings: Findings
  readonly #options: Options
  readonly #range = new CompactRange()
  /** By tile level; level 0 is not here, it is compared bundle by bundle. */
  readonly #growing = new Map<number, GrowingTile>()
  #complete: { readonly tile: Tile; readonly hashes: Uint8Array }[] = []
  /** Further checkpoints that are still to come, the smallest first. */
  readonly #older: Head[]
  #bundles = 0
  #tiles = 0
  #partials = 0
  #ahead = 0

  constructor(source: TreeSource, head: Head, older: readonly Head[], findings: Findings, options: Options) {
    this.#source = source
    this.#files = new TileFiles(source)
    this.#head = head
    this.#older = [...older]
    this.#findings = findings
    this.#options = options
  }

  get counts(): Omit<AuditCounts, 'checkpoints'> {
    return {
      entries: this.#range.size,
      bundles: this.#bundles,
      tiles: this.#tiles,
      partials: this.#partials,
      ahead: this.#ahead,
    }
  }

  /** Reads the whole tree. @throws AuditStop where neither entries nor their hashes are there */
  async run(): Promise<void> {
    const { size, root } = this.#head
    this.#checkOlder()
    for await (const loaded of ahead(entryBundles(size), this.#options.concurrency, this.#load)) {
      const { tile } = loaded
      if (isFinding(loaded.bundle) && tile.index === 0) await this.#refuseOtherLeaves(tile)
      const bundle = this.#take(loaded.bundle)
      if (bundle !== undefined) this.#bundles++
      const stored = this.#take(loaded.stored)
      if (stored !== undefined) this.#tiles++
      const leaves = await this.#judge(tile, bundle, stored && parseHashTile(stored, tile.width))
      this.#append(leaves)
      if (bundle !== undefined) this.#look(tile, bundle, leaves)
      await this.#comparePartials(tile, bundle, leaves)
      for (const { tile: done, hashes } of this.#complete.splice(0)) await this.#compareTile(done, hashes)
      this.#options.onProgress?.(this.#range.size, size)
    }
    for (const [level, { index, width, hashes }] of this.#growing)
      if (width > 0) await this.#compareTile({ level, index, width }, hashes)
    if (!equalBytes(this.#range.root(), root))
      this.#findings.add({
        code: 'bad_root',
        path: this.#head.path,
        message: `the ${size} entries do not have the root that was signed for them`,
      })
    for (const finding of this.#options.entries?.end() ?? []) this.#findings.add(finding)
  }

  readonly #load = async (tile: Tile): Promise<Loaded> => {
    const [bundle, stored] = await Promise.all([
      this.#files.entries(tile),
      this.#files.hashes({ ...tile, level: 0 }),
    ])
    return { tile, bundle, stored }
  }

  #take<T extends object>(read: T | AuditFinding): T | undefined {
    if (!isFinding(read)) return read
    this.#findings.add(read)
    return undefined
  }

  /** The leaf hashes of a bundle's entries; where entries and tile differ, those that the rest of the tree confirms. */
  async #judge(
    tile: Tile,
    bundle: BundleFile | undefined,
    kept: readonly Uint8Array[] | undefined,
  ): Promise<readonly Uint8Array[]> {
    const leafTile = { ...tile, level: 0 }
    if (bundle === undefined) {
      if (kept !== undefined) return kept
      const message = 'the audit ends here: neither the entries nor their hashes can be read'
      throw new AuditStop({ code: 'missing', path: tilePath(leafTile), message })
    }
    const computed = bundle.entries.map(leafHash)
    const first = kept?.findIndex((hash, i) => !equalBytes(hash, computed[i] ?? hash)) ?? -1
    if (kept === undefined || first === -1) return computed
    const index = tile.index * TILE_WIDTH + first
    if ((await this.#confirms(tile, computed)) || !(await this.#confirms(tile, kept))) {
      const message = `it does not have the leaf hash of entry ${index}`
      this.#findings.add({ code: 'bad_tile', path: tilePath(leafTile), index, message })
      return computed
    }
    if (index === 0 && tile.width > 1 && computed.every((hash, i) => !equalBytes(hash, kept[i] ?? hash))) {
      const message = 'the leaves of this log are not SHA-256(0x00 || entry)'
      throw new AuditStop({ code: 'unsupported_leaf', path: bundle.path, message })
    }
    const message = `entry ${index} does not have the leaf hash that is in the tree`
    this.#findings.add({ code: 'bad_entry', path: bundle.path, index, message })
    return kept
  }

  /** Whether what stands above these leaves in the tree, the parent tile or the root, is the hash over them. */
  async #confirms(tile: Tile, leaves: readonly Uint8Array[]): Promise<boolean> {
    if (tile.width < TILE_WIDTH) {
      const range = this.#range.clone()
      for (const leaf of leaves) range.append(leaf)
      return equalBytes(range.root(), this.#head.root)
    }
    const known = Math.floor(this.#head.size / TILE_WIDTH)
    const index = Math.floor(tile.index / TILE_WIDTH)
    const width = Math.min(TILE_WIDTH, known - index * TILE_WIDTH)
    const parent = await this.#files.hashes({ level: 1, index, width })
    const at = (tile.index % TILE_WIDTH) * HASH_SIZE
    return !isFinding(parent) && equalBytes(rootOfLeafHashes(leaves), parent.subarray(at, at + HASH_SIZE))
  }

  /** Static-CT logs keep their entries at another place, and hash something else than what they keep. */
  async #refuseOtherLeaves(tile: Tile): Promise<void> {
    const path = tilePath(tile).replace('entries', 'data')
    if ((await this.#source.read(path, Number.MAX_SAFE_INTEGER)) === undefined) return
    const message = 'this is a Static-CT log: its leaves are not SHA-256(0x00 || entry)'
    throw new AuditStop({ code: 'unsupported_leaf', path, message })
  }

  #append(leaves: readonly Uint8Array[]): void {
    for (const leaf of leaves) {
      this.#range.append(leaf, this.#visit)
      this.#checkOlder()
    }
  }

  readonly #visit = (level: number, index: number, hash: Uint8Array): void => {
    if (level === 0 || level % TILE_HEIGHT !== 0) return
    const tileLevel = level / TILE_HEIGHT
    const growing = this.#growing.get(tileLevel) ?? newTile()
    this.#growing.set(tileLevel, growing)
    growing.hashes.set(hash, growing.width * HASH_SIZE)
    growing.width++
    if (growing.width < TILE_WIDTH) return
    const tile = { level: tileLevel, index: growing.index, width: TILE_WIDTH }
    this.#complete.push({ tile, hashes: Uint8Array.from(growing.hashes) })
    growing.index = Math.floor(index / TILE_WIDTH) + 1
    growing.width = 0
  }

  #checkOlder(): void {
    for (let next = this.#older[0]; next?.size === this.#range.size; next = this.#older[0]) {
      if (!equalBytes(next.root, this.#range.root())) {
        const message = `the first ${next.size} entries do not have the root that was signed for them`
        this.#findings.add({ code: 'inconsistent', path: next.path, message })
      }
      this.#older.shift()
    }
  }

  #look(tile: Tile, bundle: BundleFile, leaves: readonly Uint8Array[]): void {
    const { entries: check } = this.#options
    if (check === undefined) return
    const first = tile.index * TILE_WIDTH
    for (const [i, entry] of bundle.entries.entries()) {
      const leaf = leaves[i]
      if (leaf === undefined) break
      for (const finding of check.take(first + i, entry, leaf)) this.#findings.add(finding)
    }
  }

  async #compareTile(tile: Tile, hashes: Uint8Array): Promise<void> {
    const stored = this.#take(await this.#files.hashes(tile))
    if (stored !== undefined) {
      this.#tiles++
      this.#compareHashes(tile, stored, hashes)
    }
    await this.#comparePartialTiles(tile, hashes)
  }

  #compareHashes(tile: Tile, stored: Uint8Array, hashes: Uint8Array): void {
    const expected = hashes.subarray(0, tile.width * HASH_SIZE)
    if (equalBytes(stored, expected)) return
    const at = stored.findIndex((byte, i) => byte !== expected[i])
    const message =
      stored.length === expected.length
        ? `its hash ${Math.floor(at / HASH_SIZE)} is not the one that the entries give`
        : `a tile of ${tile.width} hashes has ${stored.length} bytes`
    this.#findings.add({ code: 'bad_tile', path: tilePath(tile), message })
  }

  /** The other partial bundles and leaf tiles beside these. */
  async #comparePartials(
    tile: Tile,
    bundle: BundleFile | undefined,
    leaves: readonly Uint8Array[],
  ): Promise<void> {
    await this.#comparePartialTiles({ ...tile, level: 0 }, Buffer.concat(leaves))
    if (bundle === undefined) return
    for (const partial of await this.#narrower(tile)) {
      const path = tilePath(partial)
      const length = bundle.entries.slice(0, partial.width).reduce((sum, entry) => sum + 2 + entry.length, 0)
      const stored = await this.#source.read(path, bundle.bytes.length)
      if (stored !== undefined && equalBytes(stored, bundle.bytes.subarray(0, length))) continue
      const message = `it is not the first ${partial.width} entries of ${bundle.path}`
      this.#findings.add({ code: 'bad_entry', path, message })
    }
  }

  async #comparePartialTiles(tile: Tile, hashes: Uint8Array): Promise<void> {
    for (const partial of await this.#narrower(tile)) {
      const stored = await this.#source.read(tilePath(partial), TILE_WIDTH * HASH_SIZE)
      if (stored !== undefined) this.#compareHashes(partial, stored, hashes)
    }
  }

  /** Partial tiles beside a tile that its content can be compared with. */
  async #narrower(tile: Tile): Promise<readonly Tile[]> {
    const widths = await this.#source.partials(tile)
    const narrower = widths.filter((width) => width < tile.width)
    this.#partials += narrower.length
    this.#ahead += widths.filter((width) => width > tile.width).length
    return narrower.map((width) => ({ ...tile, width }))
  }
}

function isFinding(read: object): read is AuditFinding {
  return 'code' in read
}

function newTile(): GrowingTile {
  return { index: 0, width: 0, hashes: Buffer.alloc(TILE_WIDTH * HASH_SIZE) }
}
