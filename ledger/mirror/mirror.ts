/**
 * The log's copy in a database, in which every checkpoint is recorded before it is signed. It holds the lease there, so
 * that of two writers on two machines only one can record; and it says when the database is away: then nothing is
 * published, until it has come back.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../runtime/errors.js'
import type { Logger } from '../../runtime/log.js'
import { LedgerError } from '../errors.js'
import type { Commit, RecordedCheckpoint } from '../index-store.js'
import { heldBy, LEASE_MS, RENEW_MS } from '../lease.js'
import { ownIdentity } from '../../runtime/process-identity.js'
import type { MysqlStore } from './mysql-store.js'

const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 2_000
/** How long giving the lease back may take. */
const RELEASE_MS = 2_000

export interface MirrorOptions {
  readonly store: MysqlStore
  readonly log: Logger
  /** Another writer took the lease: this one must stop at once. */
  readonly onLost: (error: LedgerError) => void
}

export class Mirror {
  readonly #options: MirrorOptions
  readonly #epoch: number
  readonly #timer: NodeJS.Timeout
  readonly #stop = new AbortController()
  /** Told when the database goes away. */
  readonly #waiting = new Set<(outage: LedgerError) => void>()
  #checkpoint: RecordedCheckpoint | undefined
  #outage: LedgerError | undefined
  #lost = false

  private constructor(options: MirrorOptions, epoch: number, checkpoint: RecordedCheckpoint | undefined) {
    this.#options = options
    this.#epoch = epoch
    this.#checkpoint = checkpoint
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS)
    this.#timer.unref()
  }

  /**
   * Takes the lease in the database. The store belongs to the mirror from then on.
   *
   * @throws LedgerError `LOCKED` while another writer holds it, `MIRROR_UNAVAILABLE`
   */
  static async take(options: MirrorOptions): Promise<Mirror> {
    const { store } = options
    try {
      return await Mirror.#take(options)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  static async #take(options: MirrorOptions): Promise<Mirror> {
    const { store } = options
    const now = await store.now()
    const lease = await store.changeLease((present) => {
      if (present !== undefined && heldBy(present, now)) {
        const message =
          `another writer holds the lease of the mirror (process ${present.holder.pid}); one that died on another ` +
          `machine is believed for ${LEASE_MS / 1000} s`
        throw new LedgerError('LOCKED', message, { detail: { pid: present.holder.pid } })
      }
      return { epoch: (present?.epoch ?? 0) + 1, holder: ownIdentity(), renewed: now }
    })
    return new Mirror(options, lease.epoch, await store.checkpoint)
  }

  /** The checkpoint that is recorded in the database. */
  get checkpoint(): RecordedCheckpoint | undefined {
    return this.#checkpoint
  }

  /** Why nothing can be published at present. */
  get outage(): LedgerError | undefined {
    return this.#outage
  }

  /** Begins the mirror of a log that has none yet. */
  async initialise(checkpoint: RecordedCheckpoint): Promise<void> {
    await this.#options.store.initialise(checkpoint)
    this.#checkpoint = checkpoint
  }

  /**
   * Records a checkpoint with its entries. While the database is away this waits for it.
   *
   * @param commit the epoch of its lease is not looked at: the mirror has one of its own
   * @throws LedgerError `CHECKPOINT_CONFLICT`, or `STOPPED` after `stop` when the database is away
   */
  async commit(commit: Omit<Commit, 'epoch' | 'tiles'>): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#options.store.commit({ ...commit, tiles: [], epoch: this.#epoch })
        this.#checkpoint = commit.checkpoint
        this.#back()
        return
      } catch (error) {
        if (!isOutage(error)) throw error
        // A connection that was closed while it was idle is no outage: the first attempt notices, the second is on a new one.
        if (attempt > 0) this.#away(error)
        if (this.#stop.signal.aborted) throw stopped(error)
        await this.#pause(attempt)
      }
    }
  }

  /** As `work`, but rejects with `MIRROR_UNAVAILABLE` when the database goes away; the work itself goes on. */
  async whileAvailable<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      const { outage } = this
      // What is in the log already is answered first.
      if (outage !== undefined) setImmediate(() => reject(outage))
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject))
    })
  }

  /** No commit waits for the database any more. */
  stop(): void {
    this.#stop.abort()
  }

  /** Gives the lease back, unless the database is away: then it runs out. */
  async close(): Promise<void> {
    this.stop()
    clearInterval(this.#timer)
    const { store } = this.#options
    const limit = setTimeout(() => store.abort(), RELEASE_MS)
    try {
      if (!this.#lost) {
        await store.changeLease((present) => {
          if (present?.epoch !== this.#epoch) throw taken()
          return { ...present, renewed: 0 }
        })
      }
    } catch (error) {
      this.#options.log.warn({ err: messageOf(error) }, 'the lease of the mirror could not be given back')
    } finally {
      clearTimeout(limit)
      await store.close()
    }
  }

  async #renew(): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      const now = await this.#options.store.now()
      await this.#options.store.changeLease((present) => {
        if (present?.epoch !== this.#epoch) throw taken()
        return { ...present, renewed: now }
      })
      this.#back()
    } catch (error) {
      if (isOutage(error)) return this.#away(error)
      if (this.#stop.signal.aborted) return
      this.#lost = true
      clearInterval(this.#timer)
      this.#options.onLost(error instanceof LedgerError ? error : taken(error))
    }
  }

  #away(cause: LedgerError): void {
    if (this.#outage === undefined) {
      this.#options.log.error(
        { code: cause.code, err: cause.message },
        'nothing is published: the mirror is away',
      )
    }
    const message =
      'the mirror of the log is away: nothing is acknowledged until it is back; then send it again'
    this.#outage = new LedgerError('MIRROR_UNAVAILABLE', message, { cause })
    for (const reject of this.#waiting) reject(this.#outage)
    this.#waiting.clear()
  }

  #back(): void {
    if (this.#outage === undefined) return
    this.#outage = undefined
    this.#options.log.info('the mirror is back')
  }

  async #pause(attempt: number): Promise<void> {
    const delay = attempt === 0 ? 0 : Math.min(FIRST_RETRY_MS * 2 ** attempt, MAX_RETRY_MS)
    await pause(delay, undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }
}

function isOutage(error: unknown): error is LedgerError {
  return error instanceof LedgerError && error.code === 'MIRROR_UNAVAILABLE'
}

function stopped(cause: unknown): LedgerError {
  return new LedgerError('STOPPED', 'the ledger stopped while its mirror was away', { cause })
}

function taken(cause?: unknown): LedgerError {
  return new LedgerError('CHECKPOINT_CONFLICT', 'another writer took over the mirror', { cause })
}
