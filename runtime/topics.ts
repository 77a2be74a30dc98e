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
  /** JSON of `commands.ts`. They wait for a role that is down; one that nobody runs fills up and then refuses. */
  'commands.gateway': { consumers: ['gateway'], capacity: 10_000 },
  'commands.scanner': { consumers: ['scanner'], capacity: 10_000 },
} as const

export type TopicName = keyof typeof TOPICS

export const openTopic = (outbox: Outbox, name: TopicName): Topic => outbox.topic(name, TOPICS[name])
