import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { open } from 'lmdb'

import { privateFolderSync } from '../runtime/data-folder.js'
import { messageOf } from '../runtime/errors.js'
import { lmdbWrite } from '../runtime/lmdb-cause.js'
import { checkLmdbFile } from '../runtime/lmdb-file.js'
import { isUuidv7 } from '../runtime/uuid.js'
import { GatewayError } from './errors.js'
import type { Commitment, SaltedRecord } from './salted-record.js'
import { commit, packRecords, unpackRecords } from './salted-record.js'
import type { VerdictRecord } from './verdict-record.js'
import type { WrittenRecord } from './written-record.js'
import { readRecord, recordText } from './written-record.js'

const DAY_MS = 86_400_000
/** Digits of a request id that tell its quarter of a second: records of one are looked through together. */
const PREFIX = 11
/** Records of one value, so that a value is some ten pages of the store. */
const MAX_RUN = 32
/**
 * Old values that one append removes at most, beside as many as it adds records: old values may hold one record each, and a
 * flood behind them must not outrun their removal.
 */
const MAX_REMOVED = 64
/** Records that may wait for the disk; a flood beyond it is refused and counted by the caller. */
const MAX_PENDING = 20_000

export interface Retention {
  /** Verdicts kept at most. */
  readonly max: number
  readonly days: number
}

export interface StoredVerdict extends SaltedRecord {
  readonly record: VerdictRecord
}

/** A record with its number: the first that a store ever took has 1. */
export interface NumberedVerdict {
  readonly number: number
  readonly record: VerdictRecord
  readonly commitment: Commitment
}

/**
 * A value holds records that came one after another and whose ids share a prefix. Its key is that prefix, which begins with
 * the time, so that keys sort by age; the number of the first record; and how many there are.
 */
const keyOf = (prefix: string, first: number, count: number): string =>
  `${prefix}/${first.toString(16).padStart(14, '0')}/${count.toString(16)}`

const placeOf = (key: string): { readonly first: number; readonly count: number } => {
  const [, first = '', count = ''] = key.split('/')
  return { first: parseInt(first, 16), count: parseInt(count, 16) }
}

/** Smallest key of a moment. */
const keyAt = (time: number): string => {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`.slice(0, PREFIX)
}

const folderOf = (dataDir: string): string => join(dataDir, 'gateway', 'verdicts')

/** `last`: number of the newest record. `count`: of all that are kept. `mark`: as {@link VerdictStore.mark} left it. */
type StateKey = 'last' | 'count' | 'mark'

interface Stores {
  readonly root: RootDatabase
  readonly records: Database<Buffer, string>
  readonly state: Database<number, StateKey>
}

const openStores = (path: string, readOnly: boolean): Stores => {
  checkLmdbFile(join(path, 'data.mdb'))
  // With batches by event turn, lmdb makes a promise of its own for each, whose rejection nobody can take up. A commit is
  // synced before it is acknowledged: the audit log and the ledger build on it.
  const root = open({
    path,
    noSubdir: false,
    readOnly,
    overlappingSync: false,
    eventTurnBatching: false,
    maxDbs: 2,
  })
  return {
    root,
    records: root.openDB<Buffer, string>('records', { encoding: 'binary' }),
    state: root.openDB<number, StateKey>('state', { encoding: 'json' }),
  }
}

/**
 * Verdicts by request id, in LMDB, with the salt of each one's commitment, numbered in the order in which they came.
 * Bounded: the oldest go when there are too many or when they are too old. One process writes; others read while it does.
 */
export class VerdictStore {
  readonly #stores: Stores
  readonly #retention: Retention
  #next: number
  #pending = 0
  #last: Promise<unknown> = Promise.resolve()

  private constructor(stores: Stores, retention: Retention) {
    this.#stores = stores
    this.#retention = retention
    this.#next = (stores.state.get('last') ?? 0) + 1
  }

  /** @throws GatewayError `GATEWAY_VERDICT_STORE` */
  static open(dataDir: string, retention: Retention): VerdictStore {
    const path = privateFolderSync(folderOf(dataDir))
    try {
      const stores = openStores(path, false)
      for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
      return new VerdictStore(stores, retention)
    } catch (error) {
      throw new GatewayError('GATEWAY_VERDICT_STORE', `cannot open ${path}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  get count(): number {
    return this.#stores.state.get('count') ?? 0
  }

  /** Number of the newest record on disk; 0 when there never was one. */
  get last(): number {
    return this.#stores.state.get('last') ?? 0
  }

  /** What `append` or `mark` kept last; 0 at first. */
  get marked(): number {
    return this.#stores.state.get('mark') ?? 0
  }

  /** Goes on behind a number that is in use elsewhere already, when this store is behind it: it was emptied, or is new. */
  resume(number: number): void {
    this.#next = Math.max(this.#next, number + 1)
  }

  /**
   * Stores records, and removes what is over the retention.
   *
   * @param mark a number of the caller's, kept with them
   * @returns their numbers from `first` and their commitments at once, and a promise that resolves when they are on disk. It
   *   rejects with `GATEWAY_VERDICT_STORE`; their numbers are not given out again
   */
  append(
    written: readonly WrittenRecord[],
    mark: number,
  ): {
    readonly first: number
    readonly commitments: readonly Commitment[]
    readonly stored: Promise<void>
  } {
    const first = this.#next
    this.#next += written.length
    const commitments: Commitment[] = []
    const values: [key: string, bytes: Buffer][] = []
    for (let start = 0; start < written.length;) {
      const run = runAt(written, start)
      const packed = packRecords(run.map(recordText))
      values.push([keyOf(run[0]?.id.slice(0, PREFIX) ?? '', first + start, run.length), packed.bytes])
      commitments.push(...packed.commitments)
      start += run.length
    }
    const stored = this.#take(written, () => {
      const { records, state } = this.#stores
      for (const [key, bytes] of values) records.putSync(key, bytes)
      state.putSync('last', first + written.length - 1)
      state.putSync('mark', mark)
      const oldest = keyAt((written.at(-1)?.time ?? 0) - this.#retention.days * DAY_MS)
      state.putSync('count', this.#prune(written.length, oldest))
    })
    this.#last = stored.catch(() => undefined)
    return { first, commitments, stored }
  }

  /** Keeps the caller's number anew. Rejects with `GATEWAY_VERDICT_STORE`. */
  mark(number: number): Promise<void> {
    return this.#write(() => {
      this.#stores.state.putSync('mark', number)
    })
  }

  get(requestId: string): StoredVerdict | undefined {
    return find(this.#stores.records, requestId)
  }

  /** Records whose number is above one, in order. */
  *after(number: number): Generator<NumberedVerdict> {
    const { records } = this.#stores
    const keys = [...records.getKeys()]
      .map((key) => ({ key, ...placeOf(key) }))
      .filter(({ first, count }) => first + count - 1 > number)
      .toSorted((one, other) => one.first - other.first)
    for (const { key, first } of keys) {
      let at = first
      for (const { salt, bytes } of unpackRecords(records.get(key) ?? Buffer.alloc(0))) {
        if (at > number)
          yield {
            number: at,
            record: readRecord(Buffer.from(bytes).toString()),
            commitment: commit(salt, bytes),
          }
        at++
      }
    }
  }

  /** Resolves when all that was appended is on disk, or cannot be. */
  async flush(): Promise<void> {
    await this.#last
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#stores.root.close()
  }

  async #take(written: readonly WrittenRecord[], write: () => void): Promise<void> {
    if (this.#pending >= MAX_PENDING)
      throw new GatewayError('GATEWAY_VERDICT_STORE', `${this.#pending} verdicts wait for the disk already`)
    this.#pending += written.length
    try {
      await this.#write(write)
    } finally {
      this.#pending -= written.length
    }
  }

  async #write(write: () => void): Promise<void> {
    try {
      // A child transaction, because only it is undone when a write in the middle fails.
      await lmdbWrite(this.#stores.root.childTransaction(write))
    } catch (cause) {
      throw new GatewayError('GATEWAY_VERDICT_STORE', messageOf(cause), { cause })
    }
  }

  /**
   * Removes the oldest values while there are too many records, `added` new ones included, or the values are too old. Returns how
   * many records stay.
   */
  #prune(added: number, oldest: string): number {
    const { records } = this.#stores
    let kept = this.count + added
    // The keys are taken first: a range is read while nothing is written to it.
    const keys: string[] = []
    for (const key of records.getKeys({ limit: MAX_REMOVED + added })) {
      if (kept <= this.#retention.max && key >= oldest) break
      keys.push(key)
      kept -= placeOf(key).count
    }
    for (const key of keys) records.removeSync(key)
    return kept
  }
}

/** The records from `start` on that fit one value. */
const runAt = (written: readonly WrittenRecord[], start: number): readonly WrittenRecord[] => {
  const prefix = written[start]?.id.slice(0, PREFIX) ?? ''
  let end = start + 1
  while (end < written.length && end - start < MAX_RUN && written[end]?.id.startsWith(prefix) === true) end++
  return written.slice(start, end)
}

const find = (records: Database<Buffer, string>, requestId: string): StoredVerdict | undefined => {
  const prefix = requestId.slice(0, PREFIX)
  for (const { value } of records.getRange({ start: `${prefix}/`, end: `${prefix}0` })) {
    // Most records of a value are not the one that is looked for: its id is searched in the bytes before anything is parsed.
    if (!value.includes(requestId)) continue
    for (const { salt, bytes } of unpackRecords(value)) {
      const text = Buffer.from(bytes)
      if (!text.includes(requestId)) continue
      const record = readRecord(text.toString())
      if (record.request_id === requestId) return { record, salt, bytes }
    }
  }
  return undefined
}

/**
 * Reads one verdict from a data folder; the gateway may be running. Nothing is written.
 *
 * @returns undefined when it is not there: never recorded, or over the retention
 * @throws GatewayError `GATEWAY_VERDICT_STORE` when the id is none, or the store cannot be read
 */
export const readVerdict = async (dataDir: string, requestId: string): Promise<StoredVerdict | undefined> => {
  if (!isUuidv7(requestId))
    throw new GatewayError(
      'GATEWAY_VERDICT_STORE',
      `${requestId.slice(0, 64)} is not a request id (a UUIDv7)`,
    )
  const path = folderOf(dataDir)
  if (!existsSync(join(path, 'data.mdb'))) return undefined
  let stores: Stores | undefined
  try {
    stores = openStores(path, true)
    return find(stores.records, requestId)
  } catch (error) {
    throw new GatewayError('GATEWAY_VERDICT_STORE', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    await stores?.root.close()
  }
}
