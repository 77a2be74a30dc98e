import type { Database, RootDatabase } from 'lmdb'
import { isCanonicalObject } from '../proofs/canonical-json.js'
import type { ActionPayload } from '../proofs/action.js'

/** Entries by the commitments that they hold. */
export class CommitmentIndex {
  readonly #rows: Database<true, [hash: string, index: number]>

  constructor(root: RootDatabase) {
    this.#rows = root.openDB('commitments', { encoding: 'json' })
  }

  /** To be called inside a write transaction. */
  put(hash: string, index: number): void {
    this.#rows.putSync([hash, index], true)
  }

  /** Log indexes from `from` on, ascending; `limit` of them at most. */
  find(hash: string, from: number, limit: number): readonly number[] {
    const end: [string, number] = [hash, Number.MAX_SAFE_INTEGER]
    return [...this.#rows.getKeys({ start: [hash, from], end, limit })].map(([, index]) => index)
  }

  async clear(): Promise<void> {
    await this.#rows.clearAsync()
  }
}

/** Hashes of the commitments of an action, `{alg, hash}` in a member of it; each once. */
export function commitmentsOf(action: ActionPayload): readonly string[] {
  const hashes = new Set<string>()
  for (const member of Object.values(action)) {
    if (!isCanonicalObject(member)) continue
    const { alg, hash } = member
    if (typeof alg === 'string' && typeof hash === 'string') hashes.add(hash)
  }
  return [...hashes]
}
