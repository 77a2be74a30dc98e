import { messageOf, RuntimeError } from './errors.js'
import type { TopicStore } from './lmdb-topic.js'
import type { Consumer, OutboxItem } from './outbox.js'

const DEFAULT_BATCH = 256
const DEFAULT_POLL_MS = 50
/** The first wait after work; it doubles up to the poll interval while nothing comes. */
const FIRST_POLL_MS = 4
const FIRST_BACK_OFF_MS = 100
const MAX_BACK_OFF_MS = 30_000

interface Drain {
  readonly upTo: number
  readonly resolve: () => void
  readonly reject: (error: RuntimeError) => void
}

/** The loop of one consumer: read a batch, handle it, move the cursor on; made by `Topic.consume`. */
export class TopicConsumer implements Consumer {
  readonly #batch: number
  readonly #pollMs: number
  readonly #running: Promise<void>
  #drains: Drain[] = []
  #stopping = false
  /** Something was appended since the last look; kept so that a wake between look and wait is not lost. */
  #woken = false
  #endWait: (() => void) | undefined

  constructor(
    readonly topic: TopicStore,
    readonly name: string,
    readonly handle: (items: readonly OutboxItem[]) => Promise<void>,
    options: { readonly batch?: number; readonly pollMs?: number },
    readonly ended: () => void,
  ) {
    this.#batch = options.batch ?? DEFAULT_BATCH
    this.#pollMs = options.pollMs ?? DEFAULT_POLL_MS
    this.#running = this.#run()
  }

  /** Looks for items at once. It does not cut a back-off short. */
  wake(): void {
    this.#woken = true
    this.#endWait?.()
  }

  async drained(): Promise<void> {
    await this.topic.settled()
    this.topic.stores.state.resetReadTxn()
    const upTo = this.topic.last()
    if (this.topic.cursor(this.name) >= upTo) return
    if (this.#stopping) throw stopped()
    await new Promise<void>((resolve, reject) => {
      this.#drains.push({ upTo, resolve, reject })
      this.wake()
    })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#endWait?.()
    await this.#running
  }

  async #run(): Promise<void> {
    let idle = FIRST_POLL_MS
    let failures = 0
    // One turn later, so that the caller holds this consumer before its handler is called.
    await new Promise(setImmediate)
    while (!this.#stopping) {
      this.#woken = false
      try {
        const moved = await this.#step()
        failures = 0
        idle = moved ? FIRST_POLL_MS : Math.min(idle * 2, this.#pollMs)
        if (!moved && !this.#woken) await this.#wait(idle)
      } catch (error) {
        const backOff = Math.min(FIRST_BACK_OFF_MS * 2 ** failures, MAX_BACK_OFF_MS)
        failures += 1
        this.topic.log?.error(
          { topic: this.topic.name, consumer: this.name, failures, retry_ms: backOff, err: messageOf(error) },
          'an outbox batch was not handled and comes again',
        )
        await this.#backOff(backOff)
      }
    }
    for (const { reject } of this.#drains.splice(0)) reject(stopped())
    this.ended()
  }

  /** Handles one batch; false when there was none. */
  async #step(): Promise<boolean> {
    const after = this.topic.cursor(this.name)
    const items = this.topic.read(after, this.#batch)
    const last = items.at(-1)
    if (last === undefined) {
      this.#settleDrains(after)
      return false
    }
    await this.handle(items)
    await this.topic.pass(this.name, last.seq)
    this.#settleDrains(last.seq)
    return true
  }

  #settleDrains(cursor: number): void {
    const open: Drain[] = []
    for (const drain of this.#drains) {
      if (drain.upTo <= cursor) drain.resolve()
      else open.push(drain)
    }
    this.#drains = open
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#endWait = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#endWait = done
    })
  }

  async #backOff(ms: number): Promise<void> {
    const until = performance.now() + ms
    for (let left = ms; left > 0 && !this.#stopping; left = until - performance.now()) await this.#wait(left)
  }
}

const stopped = (): RuntimeError =>
  new RuntimeError('OUTBOX_CLOSED', 'the consumer was stopped before the queue was empty')
