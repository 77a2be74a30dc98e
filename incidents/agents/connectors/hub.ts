import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { LedgerRecorder } from '../../../ledger/client/types.js'
import { messageOf } from '../../../runtime/errors.js'
import type { OutboundConfig } from '../../../runtime/outbound.js'
import type { Agent, Dispatch, Dispatched } from '../agent.js'
import { readResult } from '../command/output.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import { messageFor } from '../prompt.js'
import type { RunResult } from '../run.js'
import { HubQueue } from './hub-queue.js'
import { openRedis } from './redis.js'

/** Pause until an agent that does not run is looked at again. */
const PAUSE_MS = 15_000

/** A message on `agent:{id}:output`. */
const outputMessage = z.object({
  chat_id: z.union([z.string(), z.number()]).transform(String),
  response: z.string(),
})

export interface HubDeps {
  readonly outbound: OutboundConfig
  readonly password: string | undefined
  readonly recorder: Pick<LedgerRecorder, 'record' | 'flush'>
  readonly now: () => number
  readonly log: Logger
  /** Takes a result that the agent published. */
  readonly result: (agent: string, result: RunResult) => Promise<void>
}

/** An agent of a PlatformAI-HUB: a process that hears and speaks on Redis channels. The chat is the run. */
export class HubAgent implements Agent {
  readonly type = 'hub'
  readonly id: string
  readonly #redis: Redis
  readonly #subscriber: Redis
  readonly #queues: readonly HubQueue[]

  constructor(
    readonly config: AgentConfigOf<'hub'>,
    readonly deps: HubDeps,
  ) {
    this.id = config.id
    const options = { ...config, password: deps.password, outbound: deps.outbound, log: deps.log }
    this.#redis = openRedis(options)
    this.#subscriber = openRedis(options)
    const { recorder, now, log } = deps
    this.#queues = config.tap_queues.map(
      ({ from, to }) =>
        new HubQueue({ redis: openRedis(options), agent: this.id, from, to, recorder, now, log }),
    )
    const input = `agent:${config.agent_id}:input`
    const output = `agent:${config.agent_id}:output`
    this.#subscriber.on('message', (channel: string, message: string) => {
      if (config.tap) this.#record(channel === input ? 'input' : 'output', message)
      if (channel === output) void this.#heard(message)
    })
    // Each time anew: a subscription that failed at the first connection would not come back by itself.
    this.#subscriber.on('ready', () => {
      this.#subscriber.subscribe(output, ...(config.tap ? [input] : [])).catch((error: unknown) => {
        deps.log.warn({ agent: this.id, reason: messageOf(error) }, 'the output of an agent is not heard')
      })
    })
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { agent_id, channel, timeout_seconds } = this.config
    const status = await this.#ask(
      (redis) => redis.get(`agent_status:${agent_id}`),
      timeout_seconds,
      signal,
      false,
    )
    if (status !== null && status !== 'running')
      return { kind: 'busy', retry_after_ms: PAUSE_MS, reason: `${this.id} is ${status.slice(0, 20)}` }
    const message = JSON.stringify({
      // It answers on its channel: no address and no token go through a place that others hear.
      text: messageFor(dispatch, false),
      chat_id: dispatch.run,
      platform_user_id: 'portcullis',
      user_data: {},
      channel,
    })
    const listeners = await this.#ask(
      (redis) => redis.publish(`agent:${agent_id}:input`, message),
      timeout_seconds,
      signal,
      true,
    )
    return listeners > 0
      ? { kind: 'accepted', external: dispatch.run }
      : { kind: 'busy', retry_after_ms: PAUSE_MS, reason: `nobody hears the input of ${this.id}` }
  }

  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()))
    this.#redis.disconnect()
    this.#subscriber.disconnect()
  }

  #record(way: 'input' | 'output', message: string): void {
    const { recorder, now } = this.deps
    recorder.record({
      kind: 'message',
      ts: now(),
      members: {
        to: [`hub/${this.id}/${way}`],
        body: { alg: 'sha256', hash: createHash('sha256').update(message).digest('hex') },
        media_type: 'application/json',
      },
    })
  }

  async #heard(text: string): Promise<void> {
    const { log, result } = this.deps
    try {
      const message = outputMessage.safeParse(JSON.parse(text))
      // Other chats are others' business.
      if (!message.success || !z.uuidv7().safeParse(message.data.chat_id).success) return
      await result(this.id, resultOf(message.data.chat_id, message.data.response))
    } catch (error) {
      log.warn({ agent: this.id, reason: messageOf(error) }, 'a message of an agent is no result')
    }
  }

  async #ask<T>(
    call: (redis: Redis) => Promise<T>,
    seconds: number,
    signal: AbortSignal,
    writes: boolean,
  ): Promise<T> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)])
    try {
      return await Promise.race([
        call(this.#redis),
        new Promise<never>((_, reject) => {
          limit.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
        }),
      ])
    } catch (cause) {
      throw new AgentError('AGENT_UNREACHABLE', `the Redis of ${this.id}: ${messageOf(cause)}`, {
        cause,
        retryable: true,
        ambiguous: writes,
      })
    }
  }
}

function resultOf(run: string, response: string): RunResult {
  try {
    return readResult(response, run)
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    return { run_id: run, status: 'failed', summary: error.message, proposed_actions: [] }
  }
}
