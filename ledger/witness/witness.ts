/**
 * The judgement of a witness (C2SP tlog-witness): it cosigns a checkpoint only when its log signed it and it extends the one
 * that the witness cosigned last. Check, cosignature and record are one atomic step, durable before the cosignature leaves.
 */
import { parseAddCheckpoint } from '../../proofs/add-checkpoint.js'
import type { AddCheckpoint } from '../../proofs/add-checkpoint.js'
import { equalBytes, utf8Bytes } from '../../proofs/bytes.js'
import { MAX_CHECKPOINT_SIGNATURES, parseCheckpoint } from '../../proofs/checkpoint.js'
import type { Checkpoint } from '../../proofs/checkpoint.js'
import { assertConsistent } from '../../proofs/equivocation.js'
import { formatEquivocationProof } from '../../proofs/equivocation-proof.js'
import { ProofError } from '../../proofs/errors.js'
import { EMPTY_ROOT } from '../../proofs/merkle.js'
import type { NoteSigner, NoteVerifier } from '../../proofs/note-key.js'
import { formatNote, formatSignatureLine, parseNote, verifyNote } from '../../proofs/signed-note.js'
import type { NoteSignature } from '../../proofs/signed-note.js'
import { LedgerError } from '../errors.js'
import { RateLimit } from './rate-limit.js'
import { originHash } from './store.js'
import type { CosignedHead, WitnessStore } from './store.js'

/** A log that is followed. */
export interface WitnessedLog {
  readonly origin: string
  readonly verifiers: readonly NoteVerifier[]
  readonly maxBodyBytes: number
  readonly requestsPerMinute: number
}

export interface WitnessOptions {
  readonly store: WitnessStore
  readonly cosigner: NoteSigner
  readonly logs: readonly WitnessedLog[]
  /** Told once of each proof that a log signed two histories, after it was kept. */
  readonly onEquivocation?: (origin: string, size: number) => void
}

/** What comes of a request that breaks no rule. */
export type Cosigning =
  | { readonly outcome: 'cosigned'; readonly lines: Uint8Array }
  /** The log has to prove from this size instead. */
  | { readonly outcome: 'conflict'; readonly size: number }
  | { readonly outcome: 'limited'; readonly retrySeconds: number }

interface SignedHead {
  readonly checkpoint: Checkpoint
  readonly textBytes: Uint8Array
  /** Those of the log. */
  readonly signatures: readonly NoteSignature[]
}

interface Followed extends WitnessedLog {
  readonly hash: string
  readonly rate: RateLimit
}

const EMPTY: Pick<Checkpoint, 'size' | 'root'> = { size: 0, root: EMPTY_ROOT }

export class Witness {
  readonly #options: WitnessOptions
  readonly #byOrigin: ReadonlyMap<string, Followed>
  readonly #byHash: ReadonlyMap<string, Followed>

  constructor(options: WitnessOptions) {
    this.#options = options
    const followed = options.logs.map((log) => ({
      ...log,
      hash: originHash(log.origin),
      rate: new RateLimit(log.requestsPerMinute),
    }))
    this.#byOrigin = new Map(followed.map((log) => [log.origin, log]))
    this.#byHash = new Map(followed.map((log) => [log.hash, log]))
  }

  /** Origins of the logs that are followed. */
  get origins(): readonly string[] {
    return [...this.#byOrigin.keys()]
  }

  /**
   * Judges the body of an `add-checkpoint` request.
   *
   * @param caller who sent it, for the limit of requests
   * @throws ProofError `malformed_*` for what cannot be read, `unknown_key` and `bad_signature` for what its log did not
   *   sign, `bad_root`, `inconsistent` and `equivocation` for what is no growth of the tree; LedgerError `NOT_FOUND` for a
   *   log that is not followed, `INDEX_FAILED` when the record cannot be made durable
   */
  addCheckpoint(body: Uint8Array, caller: string): Cosigning {
    const request = parseAddCheckpoint(body)
    const note = parseNote(request.checkpoint, MAX_CHECKPOINT_SIGNATURES)
    const checkpoint = parseCheckpoint(note.text, { extensions: 'ignore', emptyRoot: 'ignore' })
    const log = this.#byOrigin.get(checkpoint.origin)
    if (log === undefined)
      throw new LedgerError('NOT_FOUND', `this witness does not follow the log ${checkpoint.origin}`)
    if (body.length > log.maxBodyBytes)
      throw new ProofError('too_large', `a request of this log has at most ${log.maxBodyBytes} bytes`)
    const { verified } = verifyNote(note, log.verifiers)
    const retrySeconds = log.rate.take(caller)
    if (retrySeconds > 0) return { outcome: 'limited', retrySeconds }
    const signatures = verified.map(({ signature }) => signature)
    return this.#judge(log, request, { checkpoint, textBytes: note.textBytes, signatures })
  }

  /** The newest cosigned checkpoint of the log with this origin hash, with its signatures. */
  checkpoint(hash: string): Uint8Array | undefined {
    return this.#options.store.head(hash)?.note
  }

  /** Proofs that the log with this origin hash signed two histories; `undefined` for a log that is not followed. */
  equivocations(hash: string): readonly Uint8Array[] | undefined {
    return this.#byHash.has(hash) ? this.#options.store.proofs(hash) : undefined
  }

  #judge(log: Followed, { oldSize, proof }: AddCheckpoint, signed: SignedHead): Cosigning {
    const { checkpoint } = signed
    const { origin, size, root } = checkpoint
    const { store } = this.#options
    // Whatever else is wrong with the request, two signatures of the log stand against each other.
    const known = store.cosigned(log.hash, size)
    if (known !== undefined && size > 0 && !equalBytes(known.checkpoint.root, root))
      this.#convict(log, known, signed)
    if (oldSize > size) throw new ProofError('malformed_proof', `the old size ${oldSize} is above ${size}`)
    let outcome: Cosigning | undefined
    store.advance(log.hash, (present) => {
      const older = { origin, ...(present?.checkpoint ?? EMPTY) }
      if (older.size !== oldSize) {
        outcome = { outcome: 'conflict', size: older.size }
        return undefined
      }
      if (size === 0 && !equalBytes(root, EMPTY_ROOT))
        throw new ProofError('bad_root', 'an empty tree has another root')
      assertConsistent(older, checkpoint, proof)
      const cosignature = this.#cosign(signed.textBytes)
      outcome = { outcome: 'cosigned', lines: utf8Bytes(formatSignatureLine(cosignature)) }
      return { checkpoint, note: formatNote(signed.textBytes, [...signed.signatures, cosignature]) }
    })
    if (outcome === undefined) throw new LedgerError('INDEX_FAILED', 'the store did not ask for a judgement')
    return outcome
  }

  #cosign(textBytes: Uint8Array): NoteSignature {
    const { cosigner } = this.#options
    return { name: cosigner.name, keyId: cosigner.keyId, signature: cosigner.sign(textBytes) }
  }

  #convict(log: Followed, known: CosignedHead, other: SignedHead): void {
    const proof = formatEquivocationProof({
      first: known.note,
      second: formatNote(other.textBytes, other.signatures),
    })
    if (this.#options.store.keepProof(log.hash, proof))
      this.#options.onEquivocation?.(log.origin, known.checkpoint.size)
  }
}
