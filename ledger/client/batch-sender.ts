import { setTimeout as pause } from 'node:timers/promises'
import type { NoteSigner } from '../../proofs/note-key.js'
import { sealBatch } from '../../proofs/seal.js'
import { encodeEntryBundle } from '../../proofs/tile.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import type { Logger } from '../../runtime/log.js'
import type { Mark, Topic } from '../../runtime/outbox.js'
import { LedgerClientError } from './errors.js'

/** Bytes of a batch, so that it is far below what the outbox takes as one item. */
const MAX_BATCH_BYTES = 1024 * 1024
/** Batches that may wait in memory while the outbox does not take any. */
const WAITING_BATCHES = 16
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 1000

interface SenderOptions {
  readonly session: string
  readonly signer: NoteSigner
  readonly topic: Topic
  readonly maxBatch: number
  readonly maxDelayMs: number
  readonly log: Logger | undefined
}

interface WaitingAction {
  readonly text: Uint8Array
  readonly position: number | undefined
}

/**
 * Seals actions in batches, by number or age, and puts each batch into the outbox in order. A batch that the outbox does
 * not take is offered again, without end, until it does.
 */
export class BatchSender {
  readonly #options: SenderOptions
  #waiting: WaitingAction[] = []
  /** `seq` of the first action that waits. */
  #first = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #stopped: LedgerClientError | undefined

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** `seq` of the next action. */
  get next(): number {
    return this.#first + this.#waiting.length
  }

  /** Whether so much waits that more should be summarised. */
  get full(): boolean {
    return this.#waiting.length >= this.#options.maxBatch * WAITING_BATCHES
  }

  /**
   * Takes the text of the action numbered `next`.
   *
   * @param position how far its caller has come with it, marked in the outbox together with the batch
   */
  add(text: Uint8Array, position?: number): void {
    this.#waiting.push({ text, position })
    if (this.#waiting.length >= this.#options.maxBatch) this.#start()
    else this.#timer ??= setTimeout(() => this.#start(), this.#options.maxDelayMs)
  }

  /** Resolves once everything added before is durable in the outbox. */
  async flush(): Promise<void> {
    const upTo = this.next
    while (this.#stopped === undefined && (this.#first < upTo || this.#sending !== undefined)) {
      this.#start()
      await this.#sending
    }
    if (this.#stopped !== undefined) throw this.#stopped
  }

  /** Actions that are not durable yet. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Gives up what still waits. */
  stop(reason: LedgerClientError): void {
    this.#stopped ??= reason
    clearTimeout(this.#timer)
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // Without this a timer that fires on nothing would leave a finished promise behind, and nothing would be sent again.
    if (this.#sending !== undefined || this.#waiting.length === 0) return
    this.#sending = this.#send().finally(() => {
      this.#sending = undefined
      // Added after the last look and before this one.
      if (this.#stopped === undefined && this.#waiting.length > 0) this.#start()
    })
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0 && this.#stopped === undefined) {
      const batch = this.#nextBatch()
      const entries = batch.map(({ text }) => text)
      const position = batch.findLast((one) => one.position !== undefined)?.position
      const { session, signer } = this.#options
      const seal = sealBatch({ agent: signer.name, session, first: this.#first, entries }, signer)
      const mark = position === undefined ? undefined : { producer: signer.name, position }
      if (!(await this.#deliver(encodeEntryBundle([...entries, seal]), mark))) break
      this.#waiting.splice(0, entries.length)
      this.#first += entries.length
    }
  }

  #nextBatch(): readonly WaitingAction[] {
    let bytes = 0
    let count = 0
    for (const { text } of this.#waiting) {
      bytes += text.length + 2
      if (count === this.#options.maxBatch || (count > 0 && bytes > MAX_BATCH_BYTES)) break
      count++
    }
    return this.#waiting.slice(0, count)
  }

  /** False when it was given up. */
  async #deliver(item: Uint8Array, mark: Mark | undefined): Promise<boolean> {
    for (let delay = FIRST_RETRY_MS; this.#stopped === undefined; delay = Math.min(delay * 2, MAX_RETRY_MS)) {
      try {
        await this.#options.topic.append(item, mark)
        return true
      } catch (cause) {
        if (codeOf(cause) === 'OUTBOX_CLOSED') {
          this.stop(new LedgerClientError('CLIENT_CLOSED', 'the outbox is closed', { cause }))
          return false
        }
        const problem = { code: codeOf(cause), err: messageOf(cause), retry_ms: delay }
        this.#options.log?.warn(problem, 'the outbox does not take a batch of ledger entries')
        await pause(delay)
      }
    }
    return false
  }
}
