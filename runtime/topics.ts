import type { Outbox, Topic } from './outbox.js'

/**
 * The topics between roles, declared once: an item waits for every consumer named here, also while its role is down, up to
 * the capacity.
 */
const TOPICS = {
  /** JSON of `events.ts`. */
  events: { consumers: ['incidents'], capacity: 100_000 },
  /** Sealed batches for the ledger's writer. */
  ledger: { consumers: ['ledger'], capacity: 100_000 },
} as const

export type TopicName = keyof typeof TOPICS

export const openTopic = (outbox: Outbox, name: TopicName): Topic => outbox.topic(name, TOPICS[name])
