import type { Commit, LeaseRecord, RecordedCheckpoint } from './index-store.js'

type Awaitable<T> = T | Promise<T>

/**
 * What a log binds itself in: the embedded index (LMDB) and its mirror (MySQL). Each commit changes the checkpoint, the
 * ids and the leaves together or not at all, and is durable when it resolves.
 */
export interface LogStore {
  /** The recorded checkpoint; reading it never waits for a writer. */
  readonly checkpoint: Awaitable<RecordedCheckpoint | undefined>
  /** Replaces the lease in one atomic step; `decide` sees the present one and may throw to leave it. */
  changeLease(decide: (present: LeaseRecord | undefined) => LeaseRecord): Awaitable<LeaseRecord>
  /**
   * Records the checkpoint of the empty tree, once.
   *
   * @throws LedgerError `ALREADY_INITIALISED`
   */
  initialise(checkpoint: RecordedCheckpoint): Awaitable<void>
  /**
   * Moves the recorded checkpoint on: a compare-and-swap.
   *
   * @throws LedgerError `CHECKPOINT_CONFLICT` when the present one is not what the writer believes, or when another
   *   writer holds the lease
   */
  commit(commit: Commit): Promise<void>
  /** Index of an agent's action. */
  findId(agent: string, id: string): Awaitable<number | undefined>
  /** Index of the entry with this leaf hash. */
  findLeaf(leaf: Uint8Array): Awaitable<number | undefined>
  close(): Promise<void>
}
