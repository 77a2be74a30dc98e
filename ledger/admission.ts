/**
 * What may enter the log. An entry is looked at only as far as the formats go: who signed it, which batch it belongs to.
 * What it means is nobody's business here.
 */
import { parseEntry, verifyEntry } from '../proofs/entry.js'
import type { Entry } from '../proofs/entry.js'
import type { ActionPayload } from '../proofs/action.js'
import { ProofError } from '../proofs/errors.js'
import { leafHash } from '../proofs/hashing.js'
import { isKeyKind } from '../proofs/key-directory.js'
import type { NoteVerifier } from '../proofs/note-key.js'
import { checkSealedActions, verifySeal } from '../proofs/seal.js'
import type { Seal } from '../proofs/seal.js'
import { LedgerError } from './errors.js'
import type { LogKeys } from './keys/log-keys.js'

/** An entry that may be appended. */
export interface AdmittedEntry {
  readonly bytes: Uint8Array
  readonly leaf: Uint8Array
  /** Of an action; a seal has none. */
  readonly action?: ActionPayload
  /** Whether the action is one under a seal. */
  readonly sealed?: boolean
  readonly seal?: Seal
}

/** An action whose seal was not read yet. */
type SealedEntry = AdmittedEntry & Required<Pick<AdmittedEntry, 'action' | 'sealed'>>

/** What is appended in one step: a signed action alone, or a batch with its seal last. */
export interface Unit {
  readonly sealed: boolean
  readonly entries: readonly AdmittedEntry[]
  /** Keys whose signatures were found good. Whether they may sign is decided at the append, by the index. */
  readonly signers: readonly NoteVerifier[]
}

/**
 * Checks posted entries: signed actions in any number, and sealed batches, each with its seal right behind its actions.
 *
 * @throws ProofError with what is wrong with an entry, a signature or a seal
 * @throws LedgerError `UNSEALED` for an unsigned action without a seal behind it
 */
export async function admit(entries: readonly Uint8Array[], keys: LogKeys): Promise<readonly Unit[]> {
  const units: Unit[] = []
  let batch: SealedEntry[] = []
  for (const bytes of entries) {
    const entry = parseEntry(bytes)
    if (entry.type === 'sealed') {
      batch.push({ bytes, leaf: leafHash(bytes), action: entry.action, sealed: true })
    } else if (entry.type === 'seal') {
      units.push(await admitBatch(batch, bytes, entry, keys))
      batch = []
    } else {
      if (batch.length > 0) throw unsealed(batch.length)
      const signers = isKeyKind(entry.action.kind) ? [] : await signersOf(entry, keys)
      units.push({
        sealed: false,
        entries: [{ bytes, leaf: leafHash(bytes), action: entry.action }],
        signers,
      })
    }
  }
  if (batch.length > 0) throw unsealed(batch.length)
  return units
}

/** An entry about a key is verified where it is applied to the directory: it may bring its own key along. */
async function signersOf(
  entry: Extract<Entry, { type: 'action' }>,
  keys: LogKeys,
): Promise<readonly NoteVerifier[]> {
  const { verified } = verifyEntry(entry, await keys.verifiersFor(entry.note.signatures))
  return verified.map(({ verifier }) => verifier)
}

async function admitBatch(
  batch: readonly SealedEntry[],
  sealBytes: Uint8Array,
  seal: Extract<Entry, { type: 'seal' }>,
  keys: LogKeys,
): Promise<Unit> {
  const verifiers = await keys.verifiersFor(seal.note.signatures)
  const { verified } = verifySeal(seal, verifiers)
  checkSealedActions(seal.seal, batch)
  const forbidden = batch.find(({ action }) => isKeyKind(action.kind))
  if (forbidden !== undefined)
    throw new ProofError('unsigned', `${forbidden.action.kind} carries its own signatures, never a seal's`)
  const entries = [...batch, { bytes: sealBytes, leaf: leafHash(sealBytes), seal: seal.seal }]
  return { sealed: true, entries, signers: verified.map(({ verifier }) => verifier) }
}

function unsealed(count: number): LedgerError {
  return new LedgerError('UNSEALED', `${count} unsigned actions have no seal right behind them`)
}
