import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { LedgerRecorder } from '../../../ledger/client/types.js'
import { messageOf } from '../../../runtime/errors.js'

/** Redis holds a request so long when the list is empty. */
const WAIT_SECONDS = 5
/** Messages that are made durable at once. */
const BATCH = 100
const PAUSE_MS = 1000

export interface HubQueueOptions {
  /** A connection of its own: it waits for messages, and nothing else gets through meanwhile. */
  readonly redis: Redis
  /** The agent whose configuration names the queue. */
  readonly agent: string
  /** The list that producers push to on its left, and the one that takes its place for whoever reads it. */
  readonly from: string
  readonly to: string
  readonly recorder: Pick<LedgerRecorder, 'record' | 'flush'>
  readonly now: () => number
  readonly log: Logger
}

/**
 * A list of a PlatformAI-HUB whose messages are recorded on their way. A message is taken from one list into one of ours, its
 * action made durable, and only then it goes on to the other list: none is lost or unrecorded whenever we end. One that was on
 * its way then is recorded again.
 */
export class HubQueue {
  readonly #options: HubQueueOptions
  readonly #pending: string
  readonly #ended: Promise<void>
  readonly #closing = new AbortController()

  constructor(options: HubQueueOptions) {
    this.#options = options
    this.#pending = `portcullis:tap:${options.agent}:${options.from}`
    this.#ended = this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#options.redis.disconnect()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { log, agent, from } = this.#options
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#passOn()
        await this.#take()
      } catch (error) {
        if (signal.aborted) return
        log.warn({ agent, queue: from, reason: messageOf(error) }, 'messages of a hub wait to be recorded')
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, PAUSE_MS)
          signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
        })
      }
    }
  }

  /** The oldest are at the right. */
  async #take(): Promise<void> {
    const { redis, from } = this.#options
    let taken = await redis.blmove(from, this.#pending, 'RIGHT', 'LEFT', WAIT_SECONDS)
    for (let count = 1; taken !== null && count < BATCH; count++)
      taken = await redis.lmove(from, this.#pending, 'RIGHT', 'LEFT')
  }

  /** Whatever was taken, now or before we ended. */
  async #passOn(): Promise<void> {
    const { redis, recorder, agent, from, to, now } = this.#options
    const messages = (await redis.lrangeBuffer(this.#pending, 0, -1)).toReversed()
    if (messages.length === 0) return
    for (const message of messages)
      recorder.record({
        kind: 'message',
        ts: now(),
        members: {
          to: [`hub/${agent}/${from}`],
          body: { alg: 'sha256', hash: createHash('sha256').update(message).digest('hex') },
          media_type: 'application/json',
        },
      })
    await recorder.flush()
    for (let left = messages.length; left > 0; left--) await redis.lmove(this.#pending, to, 'RIGHT', 'LEFT')
  }
}
