import type { Logger } from 'pino'
import { messageOf } from '../../runtime/errors.js'
import { shorten } from '../../runtime/text.js'
import { stepOf } from '../step.js'
import type { IncidentStore } from '../store.js'
import { Lanes } from './lanes.js'
import { backOff, retry } from './work.js'
import type { HandlerOptions, Outcome, Work, WorkHandler } from './work.js'

export interface WorkQueueDeps {
  readonly store: IncidentStore
  readonly now: () => number
  readonly log: Logger
  /** Told after each attempt, when steps may wait for the ledger. */
  readonly stepped: () => void
  /** From 0 to 1. */
  readonly random?: () => number
}

interface Registered {
  readonly handle: WorkHandler
  readonly options: HandlerOptions
}

/** Longest sleep, in case the clock was set back or another process added work. */
const MAX_SLEEP_MS = 30_000
/** Pause after the store did not take an outcome. */
const STORE_PAUSE_MS = 1000
/** How long attempts may go on when the role stops. */
const GRACE_MS = 5000
const DEFAULTS = { concurrency: 4, timeoutMs: 60_000, maxAttempts: 40 }

/**
 * Does the work of incidents, each piece until it is done or a dead letter. The work of one incident on one target is done
 * in order, everything else at the same time; a target that fails is asked by one at a time until it answers again.
 */
export class WorkQueue {
  readonly #deps: WorkQueueDeps
  readonly #handlers = new Map<string, Registered>()
  readonly #lanes: Lanes
  readonly #running = new Set<Promise<void>>()
  /** No attempt begins any more. */
  readonly #ending = new AbortController()
  /** What still runs is cut off. */
  readonly #cut = new AbortController()
  #loop: Promise<void> | undefined
  #woken = false
  #endSleep: (() => void) | undefined

  constructor(deps: WorkQueueDeps) {
    this.#deps = deps
    this.#lanes = new Lanes(deps.store)
  }

  /** Says who does work of a kind. @throws Error for a second handler of the same kind */
  register(kind: string, handle: WorkHandler, options: HandlerOptions = {}): void {
    if (this.#handlers.has(kind)) throw new Error(`two handlers do ${kind}`)
    this.#handlers.set(kind, { handle, options })
  }

  /** Begins; every handler must be registered by now. */
  start(): void {
    this.#loop ??= this.#run()
  }

  /** Looks for new work at once; to be called after a transaction that added some. */
  wake(): void {
    this.#woken = true
    this.#endSleep?.()
  }

  /** Takes a dead letter up again that a transaction made wait. */
  revive(id: string): void {
    this.#lanes.revive(id)
    this.wake()
  }

  /** Work that waits, by kind and target. */
  get backlog(): readonly { readonly kind: string; readonly target: string; readonly count: number }[] {
    return this.#lanes.backlog()
  }

  /** Lets what runs end, for a while, then aborts it; work that was not done comes again at the next start. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#endSleep?.()
    await this.#loop
    const limit = setTimeout(() => this.#cut.abort(), GRACE_MS)
    await Promise.all(this.#running)
    clearTimeout(limit)
  }

  async #run(): Promise<void> {
    const { now, log } = this.#deps
    while (!this.#ending.signal.aborted) {
      this.#woken = false
      try {
        this.#lanes.refresh()
        for (const work of this.#lanes.startable(now(), (kind) => this.#limitOf(kind))) this.#begin(work)
      } catch (error) {
        log.error({ err: error }, 'the work of incidents cannot be read')
        await this.#sleep(STORE_PAUSE_MS)
      }
      if (!this.#woken) await this.#sleep(Math.min(MAX_SLEEP_MS, this.#lanes.nextDue(now()) - now()))
    }
  }

  #limitOf(kind: string): number {
    return this.#handlers.get(kind)?.options.concurrency ?? DEFAULTS.concurrency
  }

  #begin(id: string): void {
    const running = this.#attempt(id)
      .catch(async (error: unknown) => {
        this.#deps.log.error(
          { err: error, work: id },
          'work of an incident could not be kept; it comes again',
        )
        await this.#pause(STORE_PAUSE_MS)
        this.#lanes.release(id, 'store', this.#deps.now())
      })
      .finally(() => {
        this.#running.delete(running)
        this.wake()
      })
    this.#running.add(running)
  }

  async #attempt(id: string): Promise<void> {
    const { store } = this.#deps
    // The intent is durable before the handler can have any effect.
    const begun = await store.transaction(() => {
      const work = store.work.get(id)
      if (work?.state !== 'waiting') return undefined
      const next: Work = { ...work, attempt: work.attempt + 1, ambiguous: true }
      store.work.put(next)
      return { work: next, resumed: work.ambiguous }
    })
    if (!begun) return this.#lanes.remove(id)
    const outcome = await this.#handle(begun.work, begun.resumed)
    await this.#settle(begun.work, begun.resumed, outcome)
    this.#deps.stepped()
  }

  async #handle(work: Work, resumed: boolean): Promise<Outcome> {
    const registered = this.#handlers.get(work.kind)
    if (!registered) return { result: 'dead', reason: `nothing here does ${work.kind}` }
    const timeout = AbortSignal.timeout(registered.options.timeoutMs ?? DEFAULTS.timeoutMs)
    try {
      return await registered.handle(work, {
        signal: AbortSignal.any([this.#cut.signal, timeout]),
        resumed,
      })
    } catch (error) {
      this.#deps.log.warn({ err: error, ...facts(work) }, 'an attempt at work of an incident failed')
      return retry(messageOf(error))
    }
  }

  async #settle(work: Work, resumed: boolean, outcome: Outcome): Promise<void> {
    const { store, now, log, random = Math.random } = this.#deps
    if (outcome.result === 'done') {
      await store.transaction(() => {
        outcome.apply?.()
        store.work.remove(work.id)
      })
      this.#lanes.remove(work.id, 'answered')
      return
    }
    // It was not the other side's fault.
    if (outcome.result === 'retry' && this.#cut.signal.aborted && outcome.untouched !== true) return
    const options: HandlerOptions = this.#handlers.get(work.kind)?.options ?? {}
    const last_error = shorten(outcome.reason, 300)
    // Who says when to come again is not failing, however often.
    const failed = outcome.result === 'retry' && outcome.after === undefined
    const failures = work.failures + (failed ? 1 : 0)
    const { maxAttempts = DEFAULTS.maxAttempts } = options
    const most = typeof maxAttempts === 'number' ? maxAttempts : maxAttempts(work)
    if (outcome.result === 'dead' || (failed && failures >= most)) {
      const buried: Work = { ...work, failures, state: 'dead', died: now(), last_error }
      const isBuried = await store.transaction(() => {
        // It may have been taken back while the attempt was made.
        if (store.work.get(work.id)?.state !== 'waiting') return false
        store.work.put(buried)
        if (outcome.result === 'dead') outcome.apply?.()
        if (options.buried) options.buried(buried, last_error)
        else this.#failed(buried)
        return true
      })
      if (isBuried) log.error({ ...facts(work), reason: last_error }, 'work of an incident is given up')
      this.#lanes.remove(work.id, outcome.result === 'dead' ? 'answered' : 'failed', now())
      return
    }
    const due = now() + (outcome.after ?? backOff(failures, random()))
    const waiting: Work = {
      ...work,
      failures,
      due,
      last_error,
      ambiguous: outcome.untouched === true ? resumed : true,
    }
    const isWanted = await store.transaction(() => {
      if (store.work.get(work.id)?.state !== 'waiting') return false
      store.work.put(waiting)
      return true
    })
    // It was taken back while the attempt was made.
    if (!isWanted) return this.#lanes.remove(work.id, failed ? 'failed' : 'answered', now())
    log.warn({ ...facts(work), due, reason: last_error }, 'work of an incident will be tried again')
    this.#lanes.release(work.id, failed ? 'failed' : 'answered', now(), due)
  }

  #failed(work: Work): void {
    const { store, now } = this.#deps
    const incident = store.get(work.incident)
    if (incident)
      store.addStep(
        stepOf('failed', now(), incident, {
          work: { id: work.id, kind: work.kind, target: work.target },
          attempts: work.attempt,
          error: work.last_error ?? '',
        }),
      )
  }

  async #pause(ms: number): Promise<void> {
    if (this.#ending.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#ending.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
    })
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#endSleep = undefined
        resolve()
      }
      const timer = setTimeout(end, Math.max(0, ms))
      this.#endSleep = end
      if (this.#ending.signal.aborted) end()
    })
  }
}

const facts = ({ id, incident, kind, target, attempt }: Work) => ({
  work: id,
  incident,
  kind,
  target,
  attempt,
})
