/** What the processes of one row tell each other. */

/** How entries are signed and posted. */
export type Shape = 'single' | 'bundle' | 'sealed'

export interface Row {
  readonly name: string
  readonly shape: Shape
  /** Entries of one request that agents wrote; a seal comes on top. */
  readonly perRequest: number
  /** Added to every fsync, in milliseconds. */
  readonly syncDelayMs: number
  /** A witness, as a process on the same machine, cosigns beside the appends, or every answer waits for it. */
  readonly witness?: 'beside' | 'awaited'
}

/** What the ledger's process says once it serves. */
export interface Serving {
  readonly address: string
  /** Keys that must have signed every checkpoint: the log's, and the witness's when it is waited for. */
  readonly vkeys: readonly string[]
}

export interface LoadOrder {
  readonly row: Row
  readonly clients: number
  readonly seconds: number
  /** Requests that are signed beforehand; the row ends early when they run out, and says so. */
  readonly requests: number
  /** Seed of the agent that signs. */
  readonly seed: Uint8Array
}

export interface LoadTarget {
  readonly host: string
  readonly port: number
  readonly token: string
}

export interface LoadResult {
  readonly seconds: number
  readonly answered: number
  readonly ranOut: boolean
  /** Milliseconds, sorted. */
  readonly latencies: Float64Array
  /** What was posted and answered, to be verified after the row: leaf of the last entry, and the proof. */
  readonly answers: readonly { readonly leaf: Uint8Array; readonly proof: Uint8Array }[]
  readonly cpuSeconds: number
}

export interface LedgerFacts {
  readonly size: number
  /** Size of the newest checkpoint that the witness cosigned. */
  readonly witnessed?: number | undefined
  /** Milliseconds, sorted. */
  readonly syncs: Float64Array
  readonly cpuSeconds: number
  readonly rssMiB: number
}

export const AGENT = 'bench'

/** Value at a share of a sorted list. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
