/**
 * What a witness must never forget: the newest checkpoint of each log that it cosigned, and the proofs of logs that signed
 * two histories. One LMDB environment; a change is durable when the call returns (`overlappingSync` is off).
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
  readonly #root: RootDatabase
  readonly #heads: Database<HeadRow, string>
  readonly #proofs: Database<Buffer, [string, string]>

  /**
   * Opens the store, making it when there is none.
   *
   * @throws LedgerError `INDEX_DAMAGED`
   */
  constructor(folder: string) {
    const path = privateFolderSync(folder)
    try {
      checkLmdbFile(join(path, 'data.mdb'))
      this.#root = open({ path, noSubdir: false, overlappingSync: false, maxDbs: 4 })
      this.#heads = this.#root.openDB<HeadRow, string>('heads', { encoding: 'json' })
      this.#proofs = this.#root.openDB<Buffer, [string, string]>('equivocations', { encoding: 'binary' })
      for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
    } catch (cause) {
      throw new LedgerError('INDEX_DAMAGED', `cannot open the witness's store in ${path}`, { cause })
    }
  }

  /** The newest cosigned checkpoint of the log with this origin hash. */
  head(hash: string): CosignedHead | undefined {
    const row = this.#heads.get(hash)
    if (row === undefined) return undefined
    const root = decodeBase64(row.root)
    if (root === undefined) throw new LedgerError('INDEX_DAMAGED', `the head of ${row.origin} has no root`)
    return { checkpoint: { origin: row.origin, size: row.size, root }, note: Buffer.from(row.note) }
  }

  /**
   * Replaces the head of a log in one atomic step, also between processes; durable when it returns.
   *
   * @param decide sees the present head; returns the next one, or `undefined` to leave it, and may throw to leave it, too
   * @throws LedgerError `INDEX_FAILED`, or what `decide` throws
   */
  advance(hash: string, decide: (present: CosignedHead | undefined) => CosignedHead | undefined): void {
    let refusal: unknown
    try {
      this.#root.transactionSync(() => {
        try {
          const next = decide(this.head(hash))
          if (next !== undefined) this.#heads.putSync(hash, rowOf(next))
        } catch (error) {
          refusal = error
          throw error
        }
      })
    } catch (cause) {
      if (refusal !== undefined) throw refusal
      throw new LedgerError('INDEX_FAILED', 'the cosigned checkpoint could not be made durable', { cause })
    }
  }

  /**
   * Keeps a proof that a log equivocated.
   *
   * @returns false when it is there already, or when enough of them are
   */
  keepProof(hash: string, proof: Uint8Array): boolean {
    const key: [string, string] = [hash, encodeHex(sha256(proof))]
    return this.#root.transactionSync(() => {
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

  async close(): Promise<void> {
    await this.#root.close()
  }
}

function rowOf({ checkpoint, note }: CosignedHead): HeadRow {
  const { origin, size, root } = checkpoint
  return { origin, size, root: encodeBase64(root), note: Buffer.from(note).toString('utf8') }
}
