/**
 * The single writer's lease. It stands in the index store and changes only inside an LMDB write transaction, whose lock
 * every process of the machine shares and which survives the death of its holder, so that two starting processes cannot
 * both take over from a crashed one.
 *
 * A holder on this boot and in this pid namespace is asked for by pid and start time: once it is gone, the lease is free at
 * once. Any other holder (a container that ended, a boot ago) is believed until it has not renewed for `LEASE_MS`.
 */
import { LedgerError } from './errors.js'
import type { IndexStore, LeaseRecord } from './index-store.js'
import { ownIdentity, processState } from '../runtime/process-identity.js'

/** How long a lease of a process that cannot be asked for lives without being renewed. */
export const LEASE_MS = 20_000
export const RENEW_MS = 5_000

interface Clock {
  now(): number
}

export class Lease {
  readonly epoch: number
  readonly #store: IndexStore
  readonly #clock: Clock
  readonly #timer: NodeJS.Timeout
  #renewed = performance.now()
  #lost = false

  /**
   * Takes the lease.
   *
   * @param onLost called when another process took it: this one must stop at once
   * @throws LedgerError `LOCKED` while another process holds it
   */
  constructor(store: IndexStore, clock: Clock, onLost: (error: LedgerError) => void) {
    const own = ownIdentity()
    this.#store = store
    this.#clock = clock
    this.epoch = store.changeLease((present) => {
      if (present !== undefined && heldBy(present, clock.now())) throw locked(present)
      return { epoch: (present?.epoch ?? 0) + 1, holder: own, renewed: clock.now() }
    }).epoch
    this.#timer = setInterval(() => this.#renew(onLost), RENEW_MS)
    this.#timer.unref()
  }

  /** Whether it can still be ours: a process that was stopped for long must not write. */
  get held(): boolean {
    return !this.#lost && performance.now() - this.#renewed < LEASE_MS
  }

  /** Gives it back. */
  release(): void {
    clearInterval(this.#timer)
    if (this.#lost) return
    this.#lost = true
    this.#store.changeLease((present) => {
      if (present === undefined) throw new LedgerError('CHECKPOINT_CONFLICT', 'the lease is gone')
      return present.epoch === this.epoch ? { ...present, renewed: 0 } : present
    })
  }

  #renew(onLost: (error: LedgerError) => void): void {
    try {
      this.#store.changeLease((present) => {
        if (present?.epoch !== this.epoch) {
          throw new LedgerError('CHECKPOINT_CONFLICT', 'another process took over the ledger')
        }
        return { ...present, renewed: this.#clock.now() }
      })
      this.#renewed = performance.now()
    } catch (cause) {
      this.#lost = true
      clearInterval(this.#timer)
      const lost = new LedgerError('CHECKPOINT_CONFLICT', 'the lease of the ledger cannot be renewed', {
        cause,
      })
      onLost(cause instanceof LedgerError ? cause : lost)
    }
  }
}

/** Whether its holder may still write; `now` is by the clock that it was renewed by. */
export function heldBy(lease: LeaseRecord, now: number): boolean {
  if (lease.renewed === 0) return false
  const state = processState(lease.holder, ownIdentity())
  if (state !== 'unknown') return state === 'runs'
  return now - lease.renewed < LEASE_MS
}

function locked(lease: LeaseRecord): LedgerError {
  return new LedgerError('LOCKED', `process ${lease.holder.pid} writes this ledger already`, {
    detail: { pid: lease.holder.pid },
  })
}
