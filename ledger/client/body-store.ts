/**
 * Bodies behind commitments, outside the log: a file each, salt and body together, named by the hash of its commitment.
 * Whoever erases the file takes salt and body away at once, and nothing that the log holds tells what they were.
 */
import { constants } from 'node:fs'
import { open, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  commitBody,
  commitFields,
  commitmentOf,
  formatOpening,
  MAX_OPENING_BYTES,
  parseOpening,
} from '../../proofs/commitment.js'
import type { Commitment, Opening } from '../../proofs/commitment.js'
import type { CanonicalObject } from '../../proofs/canonical-json.js'
import { privateFolder, syncFolder, writePrivateFile } from '../../runtime/data-folder.js'
import { codeOf } from '../../runtime/errors.js'
import { LedgerClientError } from './errors.js'

const HASH = /^[0-9a-f]{64}$/
const FILE = /^([0-9a-f]{64})\.json$/

/** A body that is kept, and since when. */
export interface KeptBody {
  /** Hash of the commitment, hexadecimal. */
  readonly hash: string
  /** Milliseconds since the Unix epoch. */
  readonly kept: number
}

export class BodyStore {
  readonly #folder: string

  /** @param folder 0700, made when it is not there; `<data>/ledger/bodies` is where the commands look */
  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Keeps a body, durably, and gives the commitment that an action holds of it. Redact before: what is committed to here
   * is what can be disclosed later.
   *
   * @throws ProofError `too_large`
   */
  async commit(body: Uint8Array): Promise<Commitment> {
    return this.#keep(commitBody(body))
  }

  /**
   * As `commit`, of fields that can be shown one by one.
   *
   * @throws ProofError `too_large`, `malformed_opening` without any field
   */
  async commitFields(fields: CanonicalObject): Promise<Commitment> {
    return this.#keep(commitFields(fields))
  }

  /**
   * What opens a commitment; `undefined` when no body is kept for it, or not any more.
   *
   * @throws LedgerClientError `BODY_DAMAGED` when the file does not open the commitment that it is named by
   */
  async open(hash: string): Promise<Opening | undefined> {
    const path = this.#path(hash)
    let file
    try {
      file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
    try {
      if ((await file.stat()).size > MAX_OPENING_BYTES) throw new Error('it is too large')
      const opening = parseOpening(await file.readFile())
      if (commitmentOf(opening).hash !== hash) throw new Error('it opens another commitment')
      return opening
    } catch (cause) {
      throw new LedgerClientError('BODY_DAMAGED', `${path} is not the body of its commitment`, { cause })
    } finally {
      await file.close()
    }
  }

  /**
   * Erases salt and body. The blocks of the disk are freed, not overwritten: where that matters, encrypt the disk.
   *
   * @returns false when none was kept
   */
  async erase(hash: string): Promise<boolean> {
    const path = this.#path(hash)
    try {
      await unlink(path)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
    await syncFolder(join(this.#folder, hash.slice(0, 2)))
    return true
  }

  /** All that are kept, in no order. */
  async *list(): AsyncGenerator<KeptBody> {
    for (const folder of await names(this.#folder)) {
      for (const name of await names(join(this.#folder, folder))) {
        const [, hash] = FILE.exec(name) ?? []
        if (hash === undefined) continue
        const kept = await writtenAt(this.#path(hash))
        // One that was erased since the folder was read is not kept any more.
        if (kept !== undefined) yield { hash, kept }
      }
    }
  }

  async #keep(opening: Opening): Promise<Commitment> {
    const commitment = commitmentOf(opening)
    await privateFolder(this.#folder, commitment.hash.slice(0, 2))
    await writePrivateFile(this.#path(commitment.hash), formatOpening(opening))
    return commitment
  }

  #path(hash: string): string {
    if (!HASH.test(hash))
      throw new LedgerClientError('BAD_COMMITMENT', `${JSON.stringify(hash)} is not the hash of a commitment`)
    return join(this.#folder, hash.slice(0, 2), `${hash}.json`)
  }
}

async function writtenAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
