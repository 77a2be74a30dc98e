/**
 * The log's side of witnessing (C2SP tlog-witness): asks the witnesses of its policy to cosign what it publishes, in rounds.
 *
 * All witnesses are asked for the same checkpoint, the newest one when the round began, because cosignatures of different
 * sizes never make up a quorum. A round ends when the quorum is there, or when every witness has answered or failed; the
 * checkpoints that were published meanwhile are left out. A witness that is slower than its quorum joins the next round.
 */
import { join } from 'node:path'
import { decodeVkey } from '../../proofs/note-key.js'
import { isQuorumMet } from '../../proofs/policy.js'
import type { Policy } from '../../proofs/policy.js'
import type { NoteSignature } from '../../proofs/signed-note.js'
import { attempt } from '../../proofs/errors.js'
import { readSecretFile, writePrivateFile } from '../../runtime/data-folder.js'
import { messageOf } from '../../runtime/errors.js'
import type { Logger } from '../../runtime/log.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import type { PublishedCheckpoint } from '../log.js'
import type { WitnessesConfig } from './config.js'
import { Equivocations } from './equivocations.js'
import { findConflict } from './conflict.js'
import type { Conflict, WitnessedSource } from './conflict.js'
import { WitnessFollower } from './follower.js'
import { checkWitnessPolicy } from './policy.js'
import { WitnessClient } from './witness-client.js'
import { believeWitnessed, witnessedCheckpoint } from './witnessed-checkpoint.js'
import type { WitnessedCheckpoint } from './witnessed-checkpoint.js'

/** When a witnessed checkpoint that could not be kept is asked for again. */
const RETRY_MS = 1_000

export interface WitnessingOptions {
  /** `<data>/ledger`. */
  readonly folder: string
  readonly config: Omit<WitnessesConfig, 'policy' | 'policy_file'>
  readonly policy: Policy
  readonly outbound: OutboundConfig
  readonly clock: { now(): number }
  readonly log: Logger
  /** Told of what an operator must know at once. */
  readonly onAlarm?: ((code: 'EQUIVOCATION' | 'WITNESS_AHEAD', message: string) => void) | undefined
}

/** A log whose checkpoints are to be witnessed. */
export interface WitnessedLog extends WitnessedSource {
  onPublished(listener: () => void): void
}

interface Round {
  readonly checkpoint: PublishedCheckpoint
  /** Monotonic, in milliseconds. */
  readonly began: number
  readonly cosignatures: Map<string, NoteSignature>
  met: boolean
}

interface Waiter {
  readonly size: number
  readonly resolve: (checkpoint: WitnessedCheckpoint | undefined) => void
}

export class Witnessing {
  readonly policy: Policy
  readonly equivocations: Equivocations
  readonly followers: readonly WitnessFollower[]
  /** What a request that wants the quorum gets without it. */
  readonly failure: WitnessesConfig['failure']
  readonly #options: WitnessingOptions
  readonly #log: WitnessedLog
  readonly #path: string
  readonly #waiters = new Set<Waiter>()
  readonly #alarmed = new Set<string>()
  readonly #running = new Set<Promise<void>>()
  #round: Round | undefined
  #witnessed: WitnessedCheckpoint | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Whether the last round that ended had its quorum. */
  #met = false
  #timer: NodeJS.Timeout | undefined
  #asks = false

  private constructor(log: WitnessedLog, options: WitnessingOptions, equivocations: Equivocations) {
    const { policy, config, outbound, clock } = options
    this.#log = log
    this.#options = options
    this.policy = policy
    this.failure = config.failure
    this.equivocations = equivocations
    this.#path = join(options.folder, 'witnessed')
    const settings = { outbound, clock, timeoutMs: config.timeout_seconds * 1000 }
    this.followers = policy.witnesses.map(
      (witness) =>
        new WitnessFollower(witness.name, new WitnessClient(witness, settings), (conflict) =>
          this.#convict(conflict),
        ),
    )
  }

  /**
   * Takes up what a former run witnessed; `begin` starts to ask for more.
   *
   * @throws LedgerError `BAD_WITNESSES` for a policy that cannot be this log's
   */
  static async open(log: WitnessedLog, options: WitnessingOptions): Promise<Witnessing> {
    checkWitnessPolicy(options.policy, log.identity)
    const keys = [decodeVkey(log.identity.vkey)]
    const equivocations = await Equivocations.open(join(options.folder, 'equivocations'), keys)
    const witnessing = new Witnessing(log, options, equivocations)
    const kept = await readSecretFile(witnessing.#path)
    if (kept !== undefined) await witnessing.#resume(kept)
    return witnessing
  }

  /** Asks the witnesses, now and whenever a checkpoint is published, until it is stopped. */
  begin(): void {
    this.#asks = true
    this.#log.onPublished(() => this.#step())
    this.#step()
  }

  /** The newest checkpoint that the quorum cosigned, with its cosignatures; durable. */
  get witnessed(): WitnessedCheckpoint | undefined {
    return this.#witnessed
  }

  /** The newest checkpoint that covers this many entries: a witnessed one if there is one. */
  checkpointFor(size: number): PublishedCheckpoint {
    const witnessed = this.#witnessed
    return witnessed !== undefined && witnessed.size >= size ? witnessed : this.#log.published
  }

  /** The published checkpoint, with its cosignatures once it has them. */
  get newest(): PublishedCheckpoint {
    return this.checkpointFor(this.#log.published.size)
  }

  /** Why the quorum does not follow; `undefined` when it does. */
  unmet(): string | undefined {
    const { timeout_seconds } = this.#options.config
    const round = this.#round
    const isLate =
      round !== undefined && !round.met && performance.now() - round.began > timeout_seconds * 2000
    if (this.#witnessed !== undefined && this.#met && !isLate) return undefined
    const problems = this.followers.flatMap(({ problem }) => (problem === undefined ? [] : [problem.message]))
    return `the quorum ${this.policy.quorum} does not cosign: ${problems.join('; ') || 'no answer yet'}`
  }

  /** Resolves with the newest witnessed checkpoint once it covers this many entries, or `undefined` after a time. */
  covering(
    size: number,
    waitMs = this.#options.config.wait_seconds * 1000,
  ): Promise<WitnessedCheckpoint | undefined> {
    const present = this.#witnessed
    if (present !== undefined && present.size >= size) return Promise.resolve(present)
    if (!this.#asks) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const waiter: Waiter = {
        size,
        resolve: (checkpoint) => {
          clearTimeout(limit)
          this.#waiters.delete(waiter)
          resolve(checkpoint)
        },
      }
      const limit = setTimeout(() => waiter.resolve(undefined), waitMs)
      this.#waiters.add(waiter)
    })
  }

  /** Breaks off what is under way; whoever waits gets nothing. */
  async stop(): Promise<void> {
    this.#asks = false
    clearTimeout(this.#timer)
    for (const waiter of this.#waiters) waiter.resolve(undefined)
    await Promise.all(this.followers.map(({ client }) => client.close()))
    await Promise.all(this.#running)
  }

  /** Does what is to be done now and sleeps until there is more. Called after anything that changes what that is. */
  #step(): void {
    if (!this.#asks) return
    clearTimeout(this.#timer)
    const now = performance.now()
    const round = this.#roundFor(now)
    for (const follower of this.followers) {
      if (follower.busy || round.cosignatures.has(follower.name) || now < follower.due) continue
      const running = this.#ask(follower, round)
      this.#running.add(running)
      void running.finally(() => {
        this.#running.delete(running)
        this.#step()
      })
    }
    const next = Math.min(
      // A round that is not over ends with an answer, which comes here by itself.
      this.#isOver(round, now) ? this.#nextRound(round) : Infinity,
      ...this.followers
        .filter(({ busy, name }) => !busy && !round.cosignatures.has(name))
        .map(({ due }) => due),
    )
    if (next === Infinity) return
    this.#timer = setTimeout(() => this.#step(), Math.max(1, next - now))
    this.#timer.unref()
  }

  /** The present round, or the next one when it is over and there is something new to ask for. */
  #roundFor(now: number): Round {
    const present = this.#round
    if (present !== undefined && (!this.#isOver(present, now) || now < this.#nextRound(present)))
      return present
    if (present !== undefined) this.#met = present.met
    const round = { checkpoint: this.#log.published, began: now, cosignatures: new Map(), met: false }
    this.#round = round
    return round
  }

  #isOver(round: Round, now: number): boolean {
    const isSettled = ({ busy, due, name }: WitnessFollower): boolean =>
      !busy && (round.cosignatures.has(name) || now < due)
    return round.met || this.followers.every(isSettled)
  }

  /** When the round after this one may begin. */
  #nextRound({ checkpoint, began }: Round): number {
    const { interval_seconds, refresh_seconds } = this.#options.config
    const hasGrown = this.#log.published.size > checkpoint.size
    return began + (hasGrown ? interval_seconds : refresh_seconds) * 1000
  }

  async #ask(follower: WitnessFollower, round: Round): Promise<void> {
    const { clock, log } = this.#options
    const before = follower.problem
    const signature = await follower.cosign(round.checkpoint, this.#log, clock.now())
    if (signature !== undefined) {
      if (before !== undefined) log.info({ witness: follower.name }, 'a witness cosigns again')
      round.cosignatures.set(follower.name, signature)
      try {
        await this.#adopt(round)
      } catch (error) {
        log.error({ err: messageOf(error) }, 'the witnessed checkpoint could not be kept')
        round.cosignatures.delete(follower.name)
        follower.due = performance.now() + RETRY_MS
      }
    } else if (this.#asks && follower.problem !== undefined) {
      const { code, message } = follower.problem
      if (before?.message !== message)
        log.warn({ witness: follower.name, code, err: message }, 'no cosignature')
      if (code === 'WITNESS_AHEAD') this.#alarm(code, `${code} ${follower.name}`, message)
    }
  }

  /** Takes what a round has for the witnessed checkpoint once that is a quorum, and durable. */
  async #adopt(round: Round): Promise<void> {
    if (!isQuorumMet(this.policy, new Set(round.cosignatures.keys()))) return
    // One after the other, so that an older one never replaces a newer one.
    const written = this.#writing.then(() => this.#write(round))
    this.#writing = written.catch(() => undefined)
    await written
    round.met = true
    if (this.#round === round) this.#met = true
  }

  async #write({ checkpoint, cosignatures }: Round): Promise<void> {
    const before = this.#witnessed
    if (before !== undefined && before.size > checkpoint.size) return
    // The same checkpoint again: who has not answered in this round still has cosigned it.
    const all = before?.size === checkpoint.size ? [...before.cosignatures, ...cosignatures] : cosignatures
    const next = witnessedCheckpoint(checkpoint, new Map(all))
    await writePrivateFile(this.#path, next.note)
    this.#witnessed = next
    for (const waiter of this.#waiters) if (waiter.size <= next.size) waiter.resolve(next)
  }

  async #resume(kept: Uint8Array): Promise<void> {
    try {
      this.#witnessed = believeWitnessed(kept, this.policy, this.#log)
    } catch (error) {
      this.#options.log.error({ err: messageOf(error) }, 'the kept witnessed checkpoint is not believed')
      const found = attempt(() => findConflict(kept, this.#log))
      if ('value' in found && found.value !== undefined) await this.#convict(found.value)
    }
  }

  async #convict({ proof, size }: Conflict): Promise<void> {
    if (!(await this.equivocations.keep(proof))) return
    this.#alarm(
      'EQUIVOCATION',
      `EQUIVOCATION ${size}`,
      `the key of this log signed two roots of ${size} entries; the proof is kept and served at /v1/equivocations`,
    )
  }

  /** @param about what it is said of; each is said once */
  #alarm(code: 'EQUIVOCATION' | 'WITNESS_AHEAD', about: string, message: string): void {
    if (this.#alarmed.has(about)) return
    this.#alarmed.add(about)
    this.#options.log.fatal({ code }, message)
    this.#options.onAlarm?.(code, message)
  }
}
