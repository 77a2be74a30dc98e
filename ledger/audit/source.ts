import type { Tile } from '../../proofs/tile.js'

/** Where a tlog-tiles log is read from. Paths are below the log's prefix: `checkpoint`, `tile/0/000`, … */
export interface TreeSource {
  /**
   * The bytes of a file, `undefined` when there is none.
   *
   * @param limit most bytes that such a file can have
   * @throws LedgerError `TOO_LARGE` for a longer one, `UNREACHABLE` when it cannot be read
   */
  read(path: string, limit: number): Promise<Uint8Array | undefined>
  /** Widths of the partial tiles that lie beside a tile, ascending. A server cannot be asked for them: none. */
  partials(tile: Tile): Promise<readonly number[]>
  /** Names of further checkpoints (`checkpoint.N`). A server cannot be asked for them: none. */
  checkpoints(): Promise<readonly string[]>
  close(): Promise<void>
}
