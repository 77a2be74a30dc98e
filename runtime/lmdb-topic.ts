import type { Database, RootDatabase } from 'lmdb'

import { messageOf, RuntimeError } from './errors.js'
import { TopicConsumer } from './lmdb-consumer.js'
import { lmdbWrite } from './lmdb-cause.js'
import type { Logger } from './log.js'
import type { Consumer, Mark, OutboxItem, Topic } from './outbox.js'

export type ItemKey = [topic: string, seq: number]
/**
 * `last`: the highest seq given out. `pruned`: all items up to it are deleted. `cursor`: passed by that consumer. `position`:
 * of that producer's last mark.
 */
export type StateKey =
  | [topic: string, field: 'last' | 'pruned']
  | [topic: string, field: 'cursor', consumer: string]
  | [topic: string, field: 'position', producer: string]

export interface OutboxStores {
  readonly root: RootDatabase
  readonly items: Database<Buffer, ItemKey>
  readonly state: Database<number, StateKey>
}

/** One item; the ledger's sealed batches are the largest, and far below it. */
export const MAX_ITEM_BYTES = 16 * 1024 * 1024
/** Bytes that one batch holds in memory, unless its first item alone is larger. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024
/** Deletes per transaction, so that a long queue is not freed under one hold of the write lock. */
const MAX_PRUNED_AT_ONCE = 4096

interface PendingAppend {
  readonly bytes: Uint8Array
  readonly mark: Mark | undefined
  readonly resolve: () => void
  readonly reject: (error: RuntimeError) => void
}

interface AppendResult {
  readonly written: readonly PendingAppend[]
  readonly refused: readonly PendingAppend[]
}

/** One topic of the outbox in LMDB; made by `openOutbox`, once per process and name. */
export class TopicStore implements Topic {
  readonly #consumers = new Set<TopicConsumer>()
  #pending: PendingAppend[] = []
  #flushing: Promise<void> | undefined
  #closed = false

  constructor(
    readonly stores: OutboxStores,
    readonly name: string,
    readonly capacity: number,
    readonly log: Logger | undefined,
  ) {}

  /** Names consumers durably. A new one starts at the oldest item that is still kept. */
  register(consumers: readonly string[]): void {
    const { state } = this.stores
    const missing = () =>
      consumers.filter((consumer) => state.get([this.name, 'cursor', consumer]) === undefined)
    if (missing().length === 0) return
    this.stores.root.transactionSync(() => {
      const start = state.get([this.name, 'pruned']) ?? 0
      for (const consumer of missing()) state.putSync([this.name, 'cursor', consumer], start)
    })
  }

  get depth(): number {
    return this.last() - this.#passedByAll()
  }

  append(bytes: Uint8Array, mark?: Mark): Promise<void> {
    if (this.#closed) return Promise.reject(new RuntimeError('OUTBOX_CLOSED', 'the outbox is closed'))
    if (bytes.length > MAX_ITEM_BYTES)
      return Promise.reject(
        new RuntimeError(
          'OUTBOX_ITEM_TOO_LARGE',
          `an item of ${bytes.length} bytes is above ${MAX_ITEM_BYTES} in topic ${this.name}`,
        ),
      )
    return new Promise((resolve, reject) => {
      this.#pending.push({ bytes, mark, resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  position(producer: string): number {
    return this.stores.state.get([this.name, 'position', producer]) ?? 0
  }

  consume(
    consumer: string,
    handle: (items: readonly OutboxItem[]) => Promise<void>,
    options: { readonly batch?: number; readonly pollMs?: number } = {},
  ): Consumer {
    if (this.#closed) throw new RuntimeError('OUTBOX_CLOSED', 'the outbox is closed')
    this.register([consumer])
    const running: TopicConsumer = new TopicConsumer(this, consumer, handle, options, () =>
      this.#consumers.delete(running),
    )
    this.#consumers.add(running)
    return running
  }

  /** Resolves when every append made so far has been acknowledged or refused. */
  async settled(): Promise<void> {
    while (this.#flushing) await this.#flushing
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.settled()
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()))
  }

  /** The highest seq given out. */
  last(): number {
    return this.stores.state.get([this.name, 'last']) ?? 0
  }

  cursor(consumer: string): number {
    return this.stores.state.get([this.name, 'cursor', consumer]) ?? 0
  }

  /** Items after a seq, in order, as of now: other processes' commits included. */
  read(after: number, limit: number): OutboxItem[] {
    this.stores.items.resetReadTxn()
    const batch: OutboxItem[] = []
    let size = 0
    const range = this.stores.items.getRange({
      start: [this.name, after + 1],
      end: [this.name, Number.MAX_SAFE_INTEGER],
      limit,
    })
    for (const { key, value } of range) {
      if (batch.length > 0 && size + value.length > MAX_BATCH_BYTES) break
      size += value.length
      // LMDB reuses its buffers: what is handed out must be a copy.
      batch.push({ seq: key[1], bytes: Uint8Array.prototype.slice.call(value) })
    }
    return batch
  }

  /** Moves a consumer's cursor on and deletes what all consumers have passed; resolves when durable. */
  async pass(consumer: string, seq: number): Promise<void> {
    const { root, state } = this.stores
    await lmdbWrite(
      root.childTransaction(() => {
        if (this.cursor(consumer) < seq) state.putSync([this.name, 'cursor', consumer], seq)
        this.#prune()
      }),
    )
  }

  #prune(): void {
    const { items, state } = this.stores
    const from = state.get([this.name, 'pruned']) ?? 0
    const to = Math.min(this.#passedByAll(), from + MAX_PRUNED_AT_ONCE)
    if (to <= from) return
    for (let seq = from + 1; seq <= to; seq++) items.removeSync([this.name, seq])
    state.putSync([this.name, 'pruned'], to)
  }

  #passedByAll(): number {
    let lowest = Number.POSITIVE_INFINITY
    const cursors = this.stores.state.getRange({
      start: [this.name, 'cursor', ''],
      end: [this.name, 'cursor', '\u{10ffff}'],
    })
    for (const { value } of cursors) lowest = Math.min(lowest, value)
    return lowest === Number.POSITIVE_INFINITY ? (this.stores.state.get([this.name, 'pruned']) ?? 0) : lowest
  }

  /** Writes what waits, again and again until nothing does: appends made during a commit share the next one. */
  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) await this.#flushOnce()
    } finally {
      this.#flushing = undefined
    }
  }

  async #flushOnce(): Promise<void> {
    let taken: PendingAppend[] = []
    try {
      // A child transaction, because only it is undone when a write in the middle fails.
      const { written, refused } = await lmdbWrite(
        this.stores.root.childTransaction(() => {
          taken = this.#pending
          this.#pending = []
          return this.#write(taken)
        }),
      )
      for (const { resolve } of written) resolve()
      for (const { reject } of refused)
        reject(
          new RuntimeError(
            'OUTBOX_FULL',
            `topic ${this.name} of the outbox holds its ${this.capacity} items already`,
          ),
        )
      if (written.length > 0) for (const consumer of this.#consumers) consumer.wake()
    } catch (cause) {
      const failure = new RuntimeError('OUTBOX_WRITE', `cannot write to the outbox: ${messageOf(cause)}`, {
        cause,
      })
      if (taken.length === 0) taken = this.#pending.splice(0)
      for (const { reject } of taken) reject(failure)
    }
  }

  /** Runs inside the write transaction, so that no other process can take the same seq. */
  #write(appends: readonly PendingAppend[]): AppendResult {
    const { items, state } = this.stores
    const written: PendingAppend[] = []
    const refused: PendingAppend[] = []
    const full = this.#passedByAll() + this.capacity
    let last = this.last()
    for (const append of appends) {
      if (last >= full) {
        refused.push(append)
        continue
      }
      last += 1
      items.putSync(
        [this.name, last],
        Buffer.from(append.bytes.buffer, append.bytes.byteOffset, append.bytes.length),
      )
      const { mark } = append
      if (mark !== undefined) state.putSync([this.name, 'position', mark.producer], mark.position)
      written.push(append)
    }
    if (written.length > 0) state.putSync([this.name, 'last'], last)
    return { written, refused }
  }
}
