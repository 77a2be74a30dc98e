import { attempt } from '../../proofs/errors.js'
import type { NoteSignature } from '../../proofs/signed-note.js'
import { messageOf } from '../../runtime/errors.js'
import { LedgerError } from '../errors.js'
import type { PublishedCheckpoint } from '../log.js'
import { findConflict } from './conflict.js'
import type { Conflict, WitnessedSource } from './conflict.js'
import type { WitnessClient } from './witness-client.js'

/** Told of a proof that somebody signed another history with the log's key. */
export type OnConflict = (conflict: Conflict) => Promise<void>

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000
/** A conflict tells the size to prove from; a witness that always finds another one is not asked on and on. */
const MAX_ATTEMPTS = 3

/** One witness and what the log knows of it. One request at a time. */
export class WitnessFollower {
  /** Not asked before; monotonic, in milliseconds. */
  due = 0
  busy = false
  /** When it last cosigned; milliseconds since the Unix epoch. */
  cosigned: number | undefined
  /** Why it did not, the last time. */
  problem: LedgerError | undefined
  failures = 0
  /** Size that it cosigned last, as far as we know; a wrong one is corrected by its answer. */
  #size = 0
  #pauses = 0

  constructor(
    readonly name: string,
    readonly client: WitnessClient,
    readonly onConflict: OnConflict,
  ) {}

  /**
   * Gets the witness's cosignature of a checkpoint of this log.
   *
   * @returns `undefined` when it gives none now; `problem` says why, `due` when it may be asked again
   */
  async cosign(
    checkpoint: PublishedCheckpoint,
    log: WitnessedSource,
    now: number,
  ): Promise<NoteSignature | undefined> {
    this.busy = true
    try {
      const signature = await this.#cosign(checkpoint, log)
      this.cosigned = now
      this.problem = undefined
      this.#pauses = 0
      return signature
    } catch (error) {
      this.problem =
        error instanceof LedgerError
          ? error
          : new LedgerError('WITNESS_FAILED', `the witness ${this.name}: ${messageOf(error)}`, {
              cause: error,
            })
      this.failures++
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#pauses++)
      this.due = performance.now() + pause * (1 + Math.random() / 10)
      return undefined
    } finally {
      this.busy = false
    }
  }

  async #cosign({ size, note }: PublishedCheckpoint, log: WitnessedSource): Promise<NoteSignature> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const oldSize = Math.min(this.#size, size)
      const proof = oldSize === 0 ? [] : log.consistency(oldSize, size)
      const verdict = await this.client.addCheckpoint({ oldSize, proof, checkpoint: note })
      if (verdict.type === 'cosigned') {
        this.#size = size
        return verdict.signature
      }
      if (verdict.type === 'refused') {
        await this.#compare(log)
        throw verdict.error
      }
      this.#size = verdict.size
      if (verdict.size > size) {
        await this.#compare(log)
        throw new LedgerError(
          'WITNESS_AHEAD',
          `the witness ${this.name} has cosigned ${verdict.size} entries of this log, which are more than were ever ` +
            `published here: the log was taken back, or somebody else signs with its key`,
        )
      }
    }
    throw new LedgerError('WITNESS_FAILED', `the witness ${this.name} contradicts itself about its size`)
  }

  /** Looks whether what the witness cosigned is of another history than ours: only the log's key can have signed it. */
  async #compare(log: WitnessedSource): Promise<void> {
    const note = await this.client.newest(log.identity.origin)
    if (note === undefined) return
    const found = attempt(() => findConflict(note, log))
    // What the log's key did not sign, nobody but the witness answers for, and a witness can serve what it likes.
    if ('value' in found && found.value !== undefined) await this.onConflict(found.value)
  }
}
