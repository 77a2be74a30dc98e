/** Who may sign in this log: the directory that its own entries fold into, and what waits to be registered. */
import { ProofError } from '../../proofs/errors.js'
import type { KeyDirectory } from '../../proofs/key-directory.js'
import { isKeyKind } from '../../proofs/key-directory.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import type { Unit } from '../admission.js'
import { LedgerError } from '../errors.js'
import type { KeyRequest } from './request.js'

/** A request that is not a registration yet, and why. */
export interface WaitingRequest {
  /** Its file in the folder of requests. */
  readonly file: string
  /** What it asks for; a damaged one asks for nothing. */
  readonly request?: KeyRequest
  /** `waiting` for the operator's root key; `refused` needs the operator, too. */
  readonly state: 'waiting' | 'refused'
  readonly reason: string
}

interface SignatureLine {
  readonly name: string
  readonly keyId: number
}

/** Asked when an entry is signed by a key that the log does not know; may register it. */
export type KeyLookup = (line: SignatureLine) => Promise<void>

export class LogKeys {
  #directory: KeyDirectory
  #lookup: KeyLookup | undefined
  #witnesses: readonly NoteVerifier[] = []
  #onChange: (() => void) | undefined
  /** Requests that are no registrations yet, as the registrar last saw them. */
  waiting: readonly WaitingRequest[] = []

  /** @param directory as the entries of the log fold, also those that no checkpoint covers yet */
  constructor(directory: KeyDirectory) {
    this.#directory = directory
  }

  /** Everything that was submitted is in it; a submission that fails ends the writer. */
  get directory(): KeyDirectory {
    return this.#directory
  }

  onUnknown(lookup: KeyLookup): void {
    this.#lookup = lookup
  }

  /**
   * Keys of the log's witnesses, which no entry may introduce for another purpose. They come from the configuration, so
   * they bind what is appended from now on and never how older entries are read.
   *
   * @throws LedgerError `BAD_WITNESSES` when the log knows one of them as somebody else's already
   */
  reserveWitnesses(witnesses: readonly NoteVerifier[]): void {
    for (const { name, publicKey } of witnesses) {
      const known = this.#directory.find(publicKey)
      if (known !== undefined && known.purpose !== 'witness')
        throw new LedgerError(
          'BAD_WITNESSES',
          `the key of the witness ${name} is the one of ${known.verifier.name} in this log`,
        )
    }
    this.#witnesses = witnesses
  }

  /** Called whenever a key was introduced or ended. */
  onChange(listener: () => void): void {
    this.#onChange = listener
  }

  /** Keys that may stand behind signature lines. Whether each may sign now is said by {@link plan}, at the append. */
  async verifiersFor(signatures: readonly SignatureLine[]): Promise<readonly NoteVerifier[]> {
    const found = this.#directory.verifiersFor(signatures)
    const unknown = signatures.filter(
      (line) => !found.some((key) => key.name === line.name && key.keyId === line.keyId),
    )
    if (unknown.length === 0 || this.#lookup === undefined) return found
    for (const line of unknown) await this.#lookup(line)
    return this.#directory.verifiersFor(signatures)
  }

  /** What the units of one append do to the directory, tried one by one before any of them is submitted. */
  plan(next: number): KeyPlan {
    return new KeyPlan(this.#directory, next, this.#witnesses, (directory) => {
      this.#directory = directory
      this.#onChange?.()
    })
  }
}

/**
 * Checks the keys of units at the indexes that they will have. Between the check of a signature and its append any other
 * append may have ended the key: this is the last word, said in the same turn of the event loop as the submission.
 */
export class KeyPlan {
  #directory: KeyDirectory
  #next: number
  #isChanged = false
  readonly #witnesses: readonly NoteVerifier[]
  readonly #accept: (directory: KeyDirectory) => void

  constructor(
    directory: KeyDirectory,
    next: number,
    witnesses: readonly NoteVerifier[],
    accept: (directory: KeyDirectory) => void,
  ) {
    this.#directory = directory
    this.#next = next
    this.#witnesses = witnesses
    this.#accept = accept
  }

  /** @throws ProofError `key_not_valid_at`, or why an entry may not change the directory */
  take(unit: Unit): void {
    const end = this.#next + unit.entries.length
    const [entry] = unit.entries
    if (!unit.sealed && entry?.action !== undefined && isKeyKind(entry.action.kind)) {
      if (!this.#isChanged) this.#directory = this.#directory.clone()
      this.#isChanged = true
      this.#directory.apply(this.#next, entry.bytes)
      this.#refuseWitnesses()
    } else {
      for (const signer of unit.signers) this.#directory.assertValidAt(signer, end - 1)
    }
    this.#next = end
  }

  #refuseWitnesses(): void {
    for (const { name, publicKey } of this.#witnesses) {
      const introduced = this.#directory.find(publicKey)
      if (introduced !== undefined && introduced.purpose !== 'witness')
        throw new ProofError('key_reused', `the public key is the one of the witness ${name}`)
    }
  }

  accept(): void {
    if (this.#isChanged) this.#accept(this.#directory)
  }
}
