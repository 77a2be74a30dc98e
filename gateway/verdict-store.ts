import { createHmac, randomBytes } from 'node:crypto'
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { open } from 'lmdb'

import { privateFolderSync } from '../runtime/data-folder.js'
import { messageOf } from '../runtime/errors.js'
import { lmdbCause } from '../runtime/lmdb-cause.js'
import { checkLmdbFile } from '../runtime/lmdb-file.js'
import { isUuidv7 } from '../runtime/uuid.js'
import { GatewayError } from './errors.js'
import type { VerdictRecord } from './verdict-record.js'

const SALT_BYTES = 16
const DAY_MS = 86_400_000
/** Puts between two looks at what is too old or too many. */
const PRUNE_EVERY = 512
/** Puts that may wait for the disk; a flood beyond it is refused and counted by the caller. */
const MAX_PENDING = 20_000

export interface Retention {
  /** Verdicts kept at most. */
  readonly max: number
  readonly days: number
}

/** A commitment to the bytes of a stored record; who holds the salt can open it, nobody else can guess at it. */
export interface Commitment {
  readonly alg: 'hmac-sha256'
  /** Lower-case hex. */
  readonly hash: string
}

export interface StoredVerdict {
  readonly record: VerdictRecord
  /** The bytes that the ledger entry commits to. */
  readonly bytes: Uint8Array
  readonly salt: Uint8Array
}

/** HMAC-SHA256 of a record's bytes under its salt. */
export const commit = (salt: Uint8Array, bytes: Uint8Array): Commitment => ({
  alg: 'hmac-sha256',
  hash: createHmac('sha256', salt).update(bytes).digest('hex'),
})

const folderOf = (dataDir: string): string => join(dataDir, 'gateway', 'verdicts')

const timeOf = (requestId: string): number => parseInt(requestId.slice(0, 8) + requestId.slice(9, 13), 16)

/** Smallest key of a moment: ids of version 7 begin with it, so that keys sort by time. */
const keyAt = (time: number): string => {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

/**
 * Verdicts by request id, in LMDB, with the salt of each one's commitment. Bounded: the oldest go when there are too
 * many or when they are too old. One process writes; others read while it does.
 */
export class VerdictStore {
  readonly #db: RootDatabase<Buffer, string>
  readonly #retention: Retention
  #pending = 0
  #sincePrune = 0
  #last: Promise<unknown> = Promise.resolve()
  #pruning: Promise<void> | undefined

  private constructor(db: RootDatabase<Buffer, string>, retention: Retention) {
    this.#db = db
    this.#retention = retention
  }

  /** @throws GatewayError `GATEWAY_VERDICT_STORE` */
  static open(dataDir: string, retention: Retention): VerdictStore {
    const path = privateFolderSync(folderOf(dataDir))
    try {
      checkLmdbFile(join(path, 'data.mdb'))
      // With batches by event turn, lmdb makes a promise of its own for each, whose rejection nobody can take up.
      const db = open<Buffer, string>({
        path,
        noSubdir: false,
        encoding: 'binary',
        eventTurnBatching: false,
      })
      for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
      return new VerdictStore(db, retention)
    } catch (error) {
      throw new GatewayError('GATEWAY_VERDICT_STORE', `cannot open ${path}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  get full(): boolean {
    return this.#pending >= MAX_PENDING
  }

  get count(): number {
    return entryCount(this.#db)
  }

  /**
   * Stores a record.
   *
   * @returns its commitment at once, and a promise that resolves when it is committed to disk
   */
  put(record: VerdictRecord): { readonly commitment: Commitment; readonly stored: Promise<void> } {
    const bytes = Buffer.from(JSON.stringify(record))
    const salt = randomBytes(SALT_BYTES)
    const commitment = commit(salt, bytes)
    if (this.full)
      return {
        commitment,
        stored: Promise.reject(
          new GatewayError('GATEWAY_VERDICT_STORE', `${this.#pending} verdicts wait for the disk already`),
        ),
      }
    this.#pending++
    const written = this.#db.put(record.request_id, Buffer.concat([salt, bytes]))
    const stored = written.then(
      () => {
        this.#pending--
      },
      async (error: unknown) => {
        this.#pending--
        const cause = await lmdbCause(error)
        throw new GatewayError('GATEWAY_VERDICT_STORE', messageOf(cause), { cause })
      },
    )
    this.#last = stored.catch(() => undefined)
    if (++this.#sincePrune >= Math.min(PRUNE_EVERY, this.#retention.max) && this.#pruning === undefined)
      this.#pruning = this.prune(timeOf(record.request_id))
        // A disk that takes no removal takes no record either, and of that the caller is told; the next look tries again.
        .catch(() => undefined)
        .finally(() => (this.#pruning = undefined))
    return { commitment, stored }
  }

  get(requestId: string): StoredVerdict | undefined {
    return decode(this.#db.get(requestId))
  }

  /** Removes what is over the retention. */
  async prune(now: number): Promise<void> {
    this.#sincePrune = 0
    await this.#last
    await this.#remove(this.#db.getKeys({ end: keyAt(now - this.#retention.days * DAY_MS) }))
    const surplus = this.count - this.#retention.max
    if (surplus > 0) await this.#remove(this.#db.getKeys({ limit: surplus }))
  }

  /** Resolves when all that was put is on disk. */
  async flush(): Promise<void> {
    await this.#last
    await this.#db.flushed
  }

  async close(): Promise<void> {
    await this.#pruning
    await this.flush()
    await this.#db.close()
  }

  async #remove(keys: Iterable<string>): Promise<void> {
    // The keys are taken first: a range is read while nothing is written to it.
    const removals = await Promise.allSettled([...keys].map((key) => this.#db.remove(key)))
    for (const removal of removals) if (removal.status === 'rejected') throw await lmdbCause(removal.reason)
  }
}

const entryCount = (db: RootDatabase<Buffer, string>): number => {
  const stats: object = db.getStats()
  return 'entryCount' in stats && typeof stats.entryCount === 'number' ? stats.entryCount : db.getKeysCount()
}

const decode = (value: Buffer | undefined): StoredVerdict | undefined => {
  if (value === undefined || value.length <= SALT_BYTES) return undefined
  const salt = Uint8Array.prototype.slice.call(value, 0, SALT_BYTES)
  const bytes = Uint8Array.prototype.slice.call(value, SALT_BYTES)
  const record: VerdictRecord = JSON.parse(Buffer.from(bytes).toString())
  return { record, bytes, salt }
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
  let db: RootDatabase<Buffer, string> | undefined
  try {
    checkLmdbFile(join(path, 'data.mdb'))
    db = open<Buffer, string>({ path, noSubdir: false, encoding: 'binary', readOnly: true })
    return decode(db.get(requestId))
  } catch (error) {
    throw new GatewayError('GATEWAY_VERDICT_STORE', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    await db?.close()
  }
}
