/**
 * What the writer remembers beside the write-ahead log, in one LMDB environment: the recorded checkpoint, the writer's
 * lease, where ids and leaves stand, and the hash tiles. A commit changes all of it or nothing, and is durable when it
 * resolves (`overlappingSync` is off). Everything but the checkpoint and the lease can be made again from the log.
 */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { Database, RootDatabase } from 'lmdb'
import { privateFolderSync } from '../runtime/data-folder.js'
import { lmdbWrite } from '../runtime/lmdb-cause.js'
import { checkLmdbFile } from '../runtime/lmdb-file.js'
import { CommitmentIndex } from './commitment-index.js'
import { LedgerError } from './errors.js'
import type { LogStore } from './log-store.js'
import type { ProcessIdentity } from '../runtime/process-identity.js'
import { SessionIndex } from './session-index.js'
import type { SessionClose, SessionUnit } from './session-index.js'
import type { StoredTile } from './tile-tree.js'

/** A tree head that this log has bound itself to, before it was signed. */
export interface RecordedCheckpoint {
  readonly size: number
  /** Base64. */
  readonly root: string
  /** Milliseconds since the Unix epoch. */
  readonly time: number
}

/** Who may write. Each new holder has a higher epoch. */
export interface LeaseRecord {
  readonly epoch: number
  readonly holder: ProcessIdentity
  /** Milliseconds since the Unix epoch; 0 once it was given back. */
  readonly renewed: number
}

/** Rows of one entry. */
export interface IndexedEntry {
  readonly index: number
  readonly leaf: Uint8Array
  /** The entry itself; the embedded index leaves it to the write-ahead log. */
  readonly bytes: Uint8Array
  /** Of an action; a seal has none. */
  readonly identity?: { readonly agent: string; readonly id: string }
  /** Of a `session.open`: who may act in the session. */
  readonly opens?: { readonly session: string; readonly participants: readonly string[] }
  /** Of a signed action or of a seal. */
  readonly unit?: SessionUnit
  /** Of a `session.close`. */
  readonly closes?: SessionClose
  /** Hashes, lower-case hexadecimal. */
  readonly commitments?: readonly string[]
}

export interface Commit {
  /** Epoch of the writer's lease. */
  readonly epoch: number
  /** Size that the recorded checkpoint must have. */
  readonly from: number
  readonly checkpoint: RecordedCheckpoint
  readonly entries: readonly IndexedEntry[]
  readonly tiles: readonly StoredTile[]
}

/** Rises when rows are added or change their meaning: an index of another version is made anew from the log. */
const VERSION = 2

type State = RecordedCheckpoint | LeaseRecord | { readonly version: number }

export class IndexStore implements LogStore {
  /** By session. */
  readonly sessions: SessionIndex
  /** By commitment. */
  readonly commitments: CommitmentIndex
  readonly #root: RootDatabase
  readonly #state: Database<State, string>
  readonly #ids: Database<number, string>
  readonly #leaves: Database<number, Buffer>
  readonly #tiles: Database<Buffer, [number, number]>
  readonly #participants: Database<readonly string[], string>

  /**
   * Opens the store, making it when there is none.
   *
   * @throws LedgerError `INDEX_DAMAGED`
   */
  constructor(folder: string) {
    const path = privateFolderSync(folder)
    try {
      checkLmdbFile(join(path, 'data.mdb'))
      // With batches by event turn, lmdb makes a promise of its own for each, whose rejection nobody can take up.
      this.#root = open({
        path,
        noSubdir: false,
        overlappingSync: false,
        eventTurnBatching: false,
        maxDbs: 16,
      })
      this.#state = this.#root.openDB<State, string>('state', { encoding: 'json' })
      this.#ids = this.#root.openDB<number, string>('ids', { encoding: 'ordered-binary' })
      this.#leaves = this.#root.openDB<number, Buffer>('leaves', {
        encoding: 'ordered-binary',
        keyEncoding: 'binary',
      })
      this.#tiles = this.#root.openDB<Buffer, [number, number]>('tiles', { encoding: 'binary' })
      this.#participants = this.#root.openDB<readonly string[], string>('sessions', { encoding: 'json' })
      this.sessions = new SessionIndex(this.#root)
      this.commitments = new CommitmentIndex(this.#root)
      for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
    } catch (cause) {
      throw new LedgerError('INDEX_DAMAGED', `cannot open the ledger's index in ${path}`, { cause })
    }
  }

  get checkpoint(): RecordedCheckpoint | undefined {
    const value = this.#state.get('checkpoint')
    return value !== undefined && 'root' in value ? value : undefined
  }

  /** Whether its rows are those that this version keeps. */
  get isCurrent(): boolean {
    const value = this.#state.get('version')
    return value !== undefined && 'version' in value && value.version === VERSION
  }

  get lease(): LeaseRecord | undefined {
    const value = this.#state.get('lease')
    return value !== undefined && 'epoch' in value ? value : undefined
  }

  /** Replaces the lease in one atomic step; `decide` sees the present one and may throw to leave it. */
  changeLease(decide: (present: LeaseRecord | undefined) => LeaseRecord): LeaseRecord {
    return this.#root.transactionSync(() => {
      const next = decide(this.lease)
      this.#state.putSync('lease', next)
      return next
    })
  }

  /**
   * Records the checkpoint of the empty tree, once.
   *
   * @throws LedgerError `ALREADY_INITIALISED`
   */
  initialise(checkpoint: RecordedCheckpoint): void {
    this.#root.transactionSync(() => {
      if (this.checkpoint !== undefined) {
        throw new LedgerError('ALREADY_INITIALISED', 'the index holds a checkpoint already')
      }
      this.#state.putSync('checkpoint', checkpoint)
      this.#state.putSync('version', { version: VERSION })
    })
  }

  /**
   * Moves the recorded checkpoint on, with the rows of its new entries: a compare-and-swap, durable when it resolves.
   *
   * @throws LedgerError `CHECKPOINT_CONFLICT` when the present one is not what the writer believes, when another writer
   *   holds the lease, or when the new one would take back or contradict it
   */
  async commit(commit: Commit): Promise<void> {
    // A child transaction, because only it is undone when something in the middle throws.
    await lmdbWrite(this.#root.childTransaction(() => this.#commit(commit)))
    // What reads next must see it, also in this turn of the event loop.
    this.#root.resetReadTxn()
  }

  #commit(commit: Commit): void {
    const present = this.checkpoint
    const lease = this.lease
    if (lease?.epoch !== commit.epoch) {
      throw conflict(`another writer holds the lease (epoch ${lease?.epoch}, ours is ${commit.epoch})`)
    }
    if (present?.size !== commit.from || commit.checkpoint.size <= present.size) {
      throw conflict(`a checkpoint of ${commit.checkpoint.size} entries cannot follow ${present?.size}`)
    }
    this.#state.putSync('checkpoint', commit.checkpoint)
    this.#putRows(commit.entries, commit.tiles)
  }

  /** Forgets everything that can be made again from the write-ahead log. */
  async clear(): Promise<void> {
    await this.#state.remove('version')
    const rows = [this.#ids, this.#leaves, this.#tiles, this.#participants]
    await Promise.all([
      ...rows.map((each) => each.clearAsync()),
      this.sessions.clear(),
      this.commitments.clear(),
    ])
  }

  /** Says that all rows of the recorded checkpoint are there. */
  async markCurrent(): Promise<void> {
    await this.#state.put('version', { version: VERSION })
    this.#root.resetReadTxn()
  }

  /** Puts rows of entries that the recorded checkpoint covers already. */
  async restore(entries: readonly IndexedEntry[], tiles: readonly StoredTile[]): Promise<void> {
    await lmdbWrite(this.#root.childTransaction(() => this.#putRows(entries, tiles)))
    this.#root.resetReadTxn()
  }

  /** Index of an agent's action. */
  findId(agent: string, id: string): number | undefined {
    return this.#ids.get(`${id} ${agent}`)
  }

  /** Indexes of all actions with this id; ids are unique per agent only. */
  findIds(id: string): readonly number[] {
    return [...this.#ids.getRange({ start: `${id} `, end: `${id}!` })].map(({ value }) => value)
  }

  /** Index of the first entry with this leaf hash. */
  findLeaf(leaf: Uint8Array): number | undefined {
    return this.#leaves.get(Buffer.from(leaf))
  }

  participants(session: string): readonly string[] | undefined {
    return this.#participants.get(session)
  }

  readonly readTile = (level: number, index: number): Uint8Array | undefined => {
    // LMDB hands out memory that it reuses.
    const value = this.#tiles.get([level, index])
    return value === undefined ? undefined : Uint8Array.from(value)
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  #putRows(entries: readonly IndexedEntry[], tiles: readonly StoredTile[]): void {
    for (const entry of entries) this.#putEntry(entry)
    for (const tile of tiles) this.#tiles.putSync([tile.level, tile.index], Buffer.from(tile.hashes))
  }

  #putEntry(entry: IndexedEntry): void {
    this.#leaves.putSync(Buffer.from(entry.leaf), entry.index)
    if (entry.identity !== undefined) {
      this.#ids.putSync(`${entry.identity.id} ${entry.identity.agent}`, entry.index)
    }
    if (entry.opens !== undefined && this.#participants.get(entry.opens.session) === undefined) {
      this.#participants.putSync(entry.opens.session, entry.opens.participants)
    }
    if (entry.unit !== undefined) this.sessions.putUnit(entry.unit)
    if (entry.closes !== undefined) this.sessions.putClose(entry.closes)
    for (const hash of entry.commitments ?? []) this.commitments.put(hash, entry.index)
  }
}

function conflict(message: string): LedgerError {
  return new LedgerError('CHECKPOINT_CONFLICT', message)
}
