import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeHex } from '../../proofs/bytes.js'
import { parseEquivocationProof, verifyEquivocationProof } from '../../proofs/equivocation-proof.js'
import { sha256 } from '../../proofs/hashing.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import { createPrivateFile, privateFolder } from '../../runtime/data-folder.js'

/** Proofs that are kept; one is enough. */
const MAX_PROOFS = 100
const FILE = /^[0-9a-f]{64}\.json$/

/** Proofs that the key of this log signed two histories, one file each. */
export class Equivocations {
  readonly #folder: string
  readonly #proofs = new Map<string, Uint8Array>()

  private constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Reads what was kept before.
   *
   * @throws ProofError for a file that is no proof against this log: what is wrong with it has to be looked into
   */
  static async open(folder: string, verifiers: readonly NoteVerifier[]): Promise<Equivocations> {
    const kept = new Equivocations(await privateFolder(folder))
    const files = (await readdir(folder)).filter((name) => FILE.test(name)).toSorted()
    for (const name of files) {
      const proof = await readFile(join(folder, name))
      verifyEquivocationProof(parseEquivocationProof(proof), verifiers)
      kept.#proofs.set(name, proof)
    }
    return kept
  }

  get count(): number {
    return this.#proofs.size
  }

  all(): readonly Uint8Array[] {
    return [...this.#proofs.values()]
  }

  /**
   * Keeps a proof, durable when it resolves.
   *
   * @returns false when it is there already, or when enough of them are
   */
  async keep(proof: Uint8Array): Promise<boolean> {
    const name = `${encodeHex(sha256(proof))}.json`
    if (this.#proofs.has(name) || this.#proofs.size >= MAX_PROOFS) return false
    this.#proofs.set(name, proof)
    await createPrivateFile(join(this.#folder, name), proof)
    return true
  }
}
