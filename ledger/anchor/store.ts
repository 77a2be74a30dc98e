import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { Database, RootDatabase } from 'lmdb'
import { privateFolderSync } from '../../runtime/data-folder.js'
import { checkLmdbFile } from '../../runtime/lmdb-file.js'
import { AnchorError } from './errors.js'
import { DAY_MS, isOpen } from './record.js'
import type { AnchorRecord } from './record.js'

/** Anchor records on disk, by target and tree size. A write is durable when it resolves. */
export class AnchorStore {
  readonly #root: RootDatabase
  readonly #records: Database<AnchorRecord, [string, number]>

  /** @throws AnchorError `ANCHOR_STORE` */
  constructor(folder: string) {
    const path = privateFolderSync(folder)
    try {
      checkLmdbFile(join(path, 'data.mdb'))
      this.#root = open({ path, noSubdir: false, overlappingSync: false, maxDbs: 4 })
      this.#records = this.#root.openDB<AnchorRecord, [string, number]>('anchors', { encoding: 'json' })
      for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
    } catch (cause) {
      throw new AnchorError('ANCHOR_STORE', `cannot open the anchors in ${path}`, { cause })
    }
  }

  async put(record: AnchorRecord): Promise<void> {
    await this.#records.put([record.target, record.size], record)
    // What reads next must see it, also in this turn of the event loop.
    this.#root.resetReadTxn()
  }

  async remove({ target, size }: AnchorRecord): Promise<void> {
    await this.#records.remove([target, size])
    this.#root.resetReadTxn()
  }

  /** Every account with records on a contract. */
  targets(
    chainId: number,
    contract: string,
  ): readonly { readonly target: string; readonly submitter: string }[] {
    const prefix = `${chainId}:${contract}:`
    const found: { target: string; submitter: string }[] = []
    let after = prefix
    for (;;) {
      const range = { start: [after, Infinity], end: [`${prefix}g`, 0], limit: 1 }
      const [key] = [...this.#records.getKeys(range)]
      if (key === undefined) return found
      after = key[0]
      found.push({ target: after, submitter: after.slice(prefix.length) })
    }
  }

  /** The newest records of a target, at most so many; smallest tree first. */
  newest(target: string, most: number): readonly AnchorRecord[] {
    const found: AnchorRecord[] = []
    for (const record of this.#backwards(target)) {
      if (found.length >= most) break
      found.push(record)
    }
    return found.reverse()
  }

  /** Records of a target with which something has to be done, smallest tree first. */
  open(target: string): readonly AnchorRecord[] {
    const found: AnchorRecord[] = []
    for (const record of this.#backwards(target)) {
      // The contract takes trees in order: below a final one all are done with.
      if (record.state === 'finalized') break
      if (isOpen(record)) found.push(record)
    }
    return found.reverse()
  }

  /** The record of the largest tree. */
  last(target: string): AnchorRecord | undefined {
    for (const record of this.#backwards(target)) return record
    return undefined
  }

  /** Records that changed within a day before `now`, and one more. */
  latest(target: string, now: number): readonly AnchorRecord[] {
    const found: AnchorRecord[] = []
    for (const record of this.#backwards(target)) {
      found.push(record)
      if (now - record.changedAt > DAY_MS) break
    }
    return found
  }

  /** The smallest final tree of a target with at least so many entries. */
  covering(target: string, size: number): AnchorRecord | undefined {
    for (const { value } of this.#records.getRange({ start: [target, size], end: [target, Infinity] }))
      if (value.state === 'finalized') return value
    return undefined
  }

  *#backwards(target: string): Generator<AnchorRecord> {
    const range = { start: [target, Infinity], end: [target, -1], reverse: true }
    for (const { value } of this.#records.getRange(range)) yield value
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}
