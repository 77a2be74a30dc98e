import { decodeEntryBundle, TILE_WIDTH, tilePath } from '../../proofs/tile.js'
import type { Tile } from '../../proofs/tile.js'
import { HASH_SIZE } from '../../proofs/hashing.js'
import { ProofError } from '../../proofs/errors.js'
import type { AuditFinding } from './report.js'
import type { TreeSource } from './source.js'

const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 0xffff)

/** The entries of a bundle, and the bytes that they came in. */
export interface BundleFile {
  readonly path: string
  readonly bytes: Uint8Array
  readonly entries: readonly Uint8Array[]
}

/**
 * Reads the tiles and bundles of a log. What is not there, or is not what its name says, is handed back as a finding: the
 * reader runs ahead of the audit, which reports in the order of the log.
 */
export class TileFiles {
  readonly #source: TreeSource

  constructor(source: TreeSource) {
    this.#source = source
  }

  /** The hashes of a tile, `width` of them in one piece. */
  async hashes(tile: Tile): Promise<Uint8Array | AuditFinding> {
    const file = await this.#file(tile, TILE_WIDTH * HASH_SIZE)
    if ('code' in file) return file
    if (file.bytes.length === file.width * HASH_SIZE) return file.bytes.subarray(0, tile.width * HASH_SIZE)
    const message = `a tile of ${file.width} hashes has ${file.bytes.length} bytes`
    return { code: 'bad_tile', path: file.path, message }
  }

  /** The first `width` entries of a bundle. */
  async entries(tile: Tile): Promise<BundleFile | AuditFinding> {
    const file = await this.#file(tile, MAX_BUNDLE_BYTES)
    if ('code' in file) return file
    const { path, bytes, width } = file
    try {
      const entries = decodeEntryBundle(bytes, width)
      if (entries.length === width) return { path, bytes, entries: entries.slice(0, tile.width) }
      const message = `a bundle of ${width} entries has ${entries.length}`
      return { code: 'malformed_bundle', path, message }
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      return { code: 'malformed_bundle', path, message: error.message }
    }
  }

  /** A partial tile may have been deleted once the full one is there (tlog-tiles, partial tiles). */
  async #file(tile: Tile, limit: number): Promise<TileFile | AuditFinding> {
    const path = tilePath(tile)
    const bytes = await this.#source.read(path, limit)
    if (bytes !== undefined) return { path, bytes, width: tile.width }
    if (tile.width < TILE_WIDTH) {
      const full = tilePath({ ...tile, width: TILE_WIDTH })
      const wider = await this.#source.read(full, limit)
      if (wider !== undefined) return { path: full, bytes: wider, width: TILE_WIDTH }
    }
    return { code: 'missing', path, message: 'the file is not there' }
  }
}

interface TileFile {
  readonly path: string
  readonly bytes: Uint8Array
  /** As the file's name says. */
  readonly width: number
}
