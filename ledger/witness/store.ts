/**
 * What a witness must never forget: the newest checkpoint of each log that it cosigned, some older ones to hold against the
 * log, and the proofs of logs that signed two histories. One LMDB environment; a change is durable when the call returns (`overlappingSync` is off).
 */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { Database, RootDatabase } from 'lmdb'
import { decodeBase64, encodeBase64 } from '../../proofs/base64.js'
import type { Checkpoint } from '../../proofs/checkpoint.js'
import { encodeHex, utf8Bytes } from '../../proofs/bytes.js'
import { sha256 } from '../../proofs/hashing.js'
import { privateFolderSync } from '../../runtime/data-folder.js'
import { checkLmdbFile } from '../../runtime/lmdb-file.js'
import { LedgerError } from '../errors.js'

/** Cosigned checkpoints that are remembered of one log; the smallest is forgotten first. */
const MAX_HISTORY = 1_000
/** Proofs that are kept of one log; one is enough to convict it. */
const MAX_PROOFS = 100

interface HeadRow {
  readonly origin: string
  readonly size: number
  /** Base64. */
  readonly root: string
  readonly note: string
}

/** A checkpoint as it was cosigned. */
export interface CosignedHead {
  readonly checkpoint: Checkpoint
  /** The signed note: the log's signatures and the witness's cosignature. */
  readonly note: Uint8Array
}

/** Under which name monitors ask for a log (C2SP tlog-witness): the SHA-256 of its origin, lower-case hexadecimal. */
export function originHash(origin: string): string {
  return encodeHex(sha256(utf8Bytes(origin)))
}

export class WitnessStore {
  readonly #maxHistory: number
  readonly #root: RootDatabase
  readonly #heads: Database<HeadRow, string>
  readonly #history: Database<HeadRow, [string, number]>
  readonly #proofs: Database<Buffer, [string, string]>

  /**
   * Opens the store, making it when there is none.
   *
   * @param maxHistory cosigned checkpoints that are remembered of one log
   * @throws LedgerError `INDEX_DAMAGED`
   */
  constructor(folder: string, maxHistory = MAX_HISTORY) {
    this.#maxHistory = maxHistory
    const path = privateFolderSync(folder)
    try {
      checkLmdbFile(join(path, 'data.mdb'))
      this.#root = open({ path, noSubdir: false, overlappingSync: false, maxDbs: 4 })
      this.#heads = this.#root.openDB<HeadRow, string>('heads', { encoding: 'json' })
      this.#history = this.#root.openDB<HeadRow, [string, number]>('history', { encoding: 'json' })
      this.#proofs = this.#root.openDB<Buffer, [string, string]>('equivocations', { encoding: 'binary' })
      for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
    } catch (cause) {
      throw new LedgerError('INDEX_DAMAGED', `cannot open the witness's store in ${path}`, { cause })
    }
  }

  /** The newest cosigned checkpoint of the log with this origin hash. */
  head(hash: string): CosignedHead | undefined {
    const row = this.#heads.get(hash)
    return row && headOf(row)
  }

  /** The checkpoint of this size that was cosigned, if it is remembered. */
  cosigned(hash: string, size: number): CosignedHead | undefined {
    const row = this.#history.get([hash, size])
    return row && headOf(row)
  }

  /**
   * Replaces the head of a log in one atomic step, also between processes; durable when it returns.
   *
   * @param decide sees the present head; returns the next one, or `undefined` to leave it, and may throw to leave it, too
   * @throws LedgerError `INDEX_FAILED`, or what `decide` throws
   */
  advance(hash: string, decide: (present: CosignedHead | undefined) => CosignedHead | undefined): void {
    let refusal: unknown
    this.#change(() => {
      let next
      try {
        next = decide(this.head(hash))
      } catch (error) {
        refusal = error
      }
      if (next !== undefined) this.#put(hash, rowOf(next))
    })
    if (refusal !== undefined) throw refusal
  }

  /**
   * Keeps a proof that a log equivocated.
   *
   * @returns false when it is there already, or when enough of them are
   * @throws LedgerError `INDEX_FAILED`
   */
  keepProof(hash: string, proof: Uint8Array): boolean {
    const key: [string, string] = [hash, encodeHex(sha256(proof))]
    return this.#change(() => {
      if (this.#proofs.doesExist(key) || this.proofs(hash).length >= MAX_PROOFS) return false
      this.#proofs.putSync(key, Buffer.from(proof))
      return true
    })
  }

  /** The proofs against a log, at most 100. */
  proofs(hash: string): readonly Uint8Array[] {
    // LMDB hands out memory that it reuses.
    return [...this.#proofs.getRange({ start: [hash, ''], end: [hash, 'g'] })].map(({ value }) =>
      Uint8Array.from(value),
    )
  }

  /** One write transaction, durable when it returns. */
  #change<T>(work: () => T): T {
    try {
      return this.#root.transactionSync(work)
    } catch (cause) {
      throw new LedgerError('INDEX_FAILED', 'the store of the witness takes nothing more', { cause })
    }
  }

  #put(hash: string, row: HeadRow): void {
    this.#heads.putSync(hash, row)
    this.#history.putSync([hash, row.size], row)
    // lmdb writes into the options that it is given: each call needs its own.
    const ofLog = () => ({ start: [hash, 0], end: [hash, Infinity] })
    if (this.#history.getKeysCount(ofLog()) <= this.#maxHistory) return
    for (const key of this.#history.getKeys({ ...ofLog(), limit: 1 })) this.#history.removeSync(key)
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}

function headOf({ origin, size, root: encoded, note }: HeadRow): CosignedHead {
  const root = decodeBase64(encoded)
  if (root === undefined) throw new LedgerError('INDEX_DAMAGED', `a head of ${origin} has no root`)
  return { checkpoint: { origin, size, root }, note: Buffer.from(note) }
}

function rowOf({ checkpoint, note }: CosignedHead): HeadRow {
  const { origin, size, root } = checkpoint
  return { origin, size, root: encodeBase64(root), note: Buffer.from(note).toString('utf8') }
}
