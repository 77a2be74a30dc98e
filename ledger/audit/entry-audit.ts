import type { ActionPayload } from '../../proofs/action.js'
import { parseEntry, verifyEntry } from '../../proofs/entry.js'
import type { Entry } from '../../proofs/entry.js'
import { attempt } from '../../proofs/errors.js'
import type { ProofError } from '../../proofs/errors.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import { checkSealedActions, MAX_BATCH } from '../../proofs/seal.js'
import type { NoteVerification } from '../../proofs/signed-note.js'
import type { EntryCheck } from './audit.js'
import type { AuditFinding } from './report.js'

/** Who may sign at which index of the log. */
export interface AuditKeys {
  /** Keys that may stand behind signature lines with these names. */
  verifiersFor(signatures: readonly { readonly name: string }[]): readonly NoteVerifier[]
  /** @throws ProofError `unknown_key` or `key_not_valid_at` */
  assertValidAt(verifier: NoteVerifier, index: number): void
  /** Whether an action of this kind says who may sign from its index on. */
  changesKeys(kind: string): boolean
  /**
   * Takes in such an entry, whose signatures are checked here.
   *
   * @throws ProofError why it may not change the keys
   */
  apply(index: number, entry: Uint8Array): void
}

/** A sealed action that waits for its seal. */
interface Pending {
  readonly index: number
  readonly action: ActionPayload
  readonly leaf: Uint8Array
}

/**
 * Judges the entries of a log of ours: each is well formed and signed by keys that were valid at its index, or stands in
 * the batch right before its seal. (That an id is not used twice is not looked at: it would take memory for all of them.)
 */
export class EntryAudit implements EntryCheck {
  readonly #keys: AuditKeys
  #pending: Pending[] = []

  constructor(keys: AuditKeys) {
    this.#keys = keys
  }

  *take(index: number, bytes: Uint8Array, leaf: Uint8Array): Generator<AuditFinding> {
    const parsed = attempt(() => parseEntry(bytes))
    if ('error' in parsed) {
      yield* this.#unsealed(this.#pending.splice(0))
      yield findingOf(index, parsed.error)
      return
    }
    const entry = parsed.value
    if (entry.type !== 'seal' && this.#keys.changesKeys(entry.action.kind)) {
      yield* this.#unsealed(this.#pending.splice(0))
      const applied = attempt(() => this.#keys.apply(index, bytes))
      if ('error' in applied) yield findingOf(index, applied.error)
      return
    }
    if (entry.type === 'sealed') {
      this.#pending.push({ index, action: entry.action, leaf })
      if (this.#pending.length > MAX_BATCH) yield* this.#unsealed(this.#pending.splice(0, 1))
      return
    }
    const batch = this.#pending.splice(0)
    if (entry.type === 'seal') {
      yield* this.#unsealed(batch.splice(0, Math.max(0, batch.length - entry.seal.count)))
      const sealed = attempt(() => checkSealedActions(entry.seal, batch))
      if ('error' in sealed) yield findingOf(index, sealed.error)
    } else {
      yield* this.#unsealed(batch)
    }
    const verified = attempt(() => this.#verify(index, entry))
    if ('error' in verified) yield findingOf(index, verified.error)
  }

  *end(): Generator<AuditFinding> {
    yield* this.#unsealed(this.#pending.splice(0))
  }

  #verify(index: number, entry: Exclude<Entry, { type: 'sealed' }>): NoteVerification {
    const verification = verifyEntry(entry, this.#keys.verifiersFor(entry.note.signatures))
    for (const { verifier } of verification.verified) this.#keys.assertValidAt(verifier, index)
    return verification
  }

  *#unsealed(actions: readonly Pending[]): Generator<AuditFinding> {
    for (const { index } of actions)
      yield { code: 'unsigned', index, message: `entry ${index} has no signature and stands under no seal` }
  }
}

function findingOf(index: number, error: ProofError): AuditFinding {
  return { code: error.machineCode, index, message: `entry ${index}: ${error.message}` }
}
