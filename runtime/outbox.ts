/**
 * The durable outbox: named topics in one LMDB environment that every role of a data folder opens. Producers append
 * bytes, consumers keep a cursor each; an item is deleted once every registered consumer has passed it. Delivery is at
 * least once and in order, so consumers must be idempotent.
 */

export interface OutboxItem {
  readonly seq: number
  readonly bytes: Uint8Array
}

/** How far a producer has come in something of its own, kept with the item that it belongs to in one transaction. */
export interface Mark {
  readonly producer: string
  /** From 1, never smaller than the one before. */
  readonly position: number
}

export interface Topic {
  /**
   * Appends one item; resolves when it is durable. Rejects with `OUTBOX_FULL` at the topic's capacity: the caller then
   * summarises, it never drops in silence.
   */
  append(bytes: Uint8Array, mark?: Mark): Promise<void>
  /** The position of a producer's last mark; 0 before the first. */
  position(producer: string): number
  /** Items not yet passed by the slowest consumer. */
  readonly depth: number
  readonly capacity: number
  /**
   * Calls `handle` with batches in order, until `stop`. When `handle` resolves the cursor moves on durably; when it
   * rejects, the same batch comes again after a back-off.
   */
  consume(
    consumer: string,
    handle: (items: readonly OutboxItem[]) => Promise<void>,
    options?: { readonly batch?: number; readonly pollMs?: number },
  ): Consumer
}

export interface Consumer {
  /** Resolves once everything appended before this call has been handled. */
  drained(): Promise<void>
  stop(): Promise<void>
}

export interface Outbox {
  /** Consumers must be named up front: an item waits for each of them, also while their role is down. */
  topic(name: string, options: { readonly consumers: readonly string[]; readonly capacity: number }): Topic
  close(): Promise<void>
}
