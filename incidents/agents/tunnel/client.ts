import type { Logger } from 'pino'
import { WebSocket } from 'ws'
import { messageOf } from '../../../runtime/errors.js'
import { checkOutboundUrl, outboundLookup, type OutboundConfig } from '../../../runtime/outbound.js'
import { MAX_MESSAGE_BYTES, type Envelope } from './envelope.js'
import { toPlainJson, type SendableJson } from './lossless-json.js'
import { ackPayload, dispatchPayload } from './messages.js'
import { TunnelPeer } from './peer.js'
import type { SeenMessages } from './seen-messages.js'

const FIRST_PAUSE_MS = 3000
const LONGEST_PAUSE_MS = 60_000
/** A connection that lasted this long starts the pauses anew. */
const STEADY_MS = 60_000
const HANDSHAKE_MS = 10_000
/** Without anything from the server, pongs included, for so many heartbeats the connection is dead. */
const SILENT_HEARTBEATS = 3

/** A task of the control plane's. */
export interface TunnelTask {
  /** Its id there, or the one of the message that brought it: never an id of ours, which would make it new each time. */
  readonly run_id: string
  readonly issue_id: string
  readonly agent?: string
  readonly body: Readonly<Record<string, unknown>>
}

export interface TaskResult {
  readonly run_id: string
  readonly issue_id: string
  readonly status: 'success' | 'failed' | 'timeout'
  readonly summary: string
}

/** Where tasks are kept, so that none is lost or done twice over a restart of either end. */
export interface TaskBook {
  /** Resolves once the task is durable; a task that is known already is taken once. */
  take(task: TunnelTask): Promise<void>
  /** Results that the control plane did not acknowledge. */
  results(): readonly TaskResult[]
  /** Told each time that a result was sent, since many control planes never acknowledge one. */
  sent(run: string): Promise<void>
  acknowledged(run: string): Promise<void>
}

export interface TunnelClientOptions {
  /** `wss://…`; `ws://` is for a network of your own. */
  readonly url: string
  readonly agent: string
  readonly token: string
  readonly secret: string
  readonly heartbeatMs: number
  readonly outbound: OutboundConfig
  readonly seen: SeenMessages
  readonly tasks: TaskBook
  readonly now: () => number
  readonly log: Logger
  /** Pauses between connections: the first, doubling to the longest. 3 s and 60 s when left out. */
  readonly pauses?: { readonly first: number; readonly longest: number }
}

/** The agent's end of a tunnel: keeps a connection to the control plane, takes its tasks and sends their results. */
export class TunnelClient {
  readonly #options: TunnelClientOptions
  readonly #running: Promise<void>
  #peer: TunnelPeer | undefined
  #socket: WebSocket | undefined
  #stop: (() => void) | undefined
  #stopped = false
  #flushing: Promise<void> = Promise.resolve()
  /** Runs whose result went out on this connection: once is enough, or a burst of tasks would use up its sends. */
  readonly #told = new Set<string>()

  /** @throws RuntimeError `OUTBOUND_REFUSED` */
  constructor(options: TunnelClientOptions) {
    this.#options = options
    checkOutboundUrl(options.url, options.outbound, ['wss', 'ws'])
    this.#running = this.#run()
  }

  get isConnected(): boolean {
    return this.#peer?.isOpen === true
  }

  /** Sends the results that wait; called when there is a new one. */
  flush(): void {
    this.#flushing = this.#flushing
      .then(async () => {
        for (const result of this.#options.tasks.results()) {
          if (this.#told.has(result.run_id)) continue
          if (this.#peer?.send('task.result', { ...result }) !== true) return
          this.#told.add(result.run_id)
          await this.#options.tasks.sent(result.run_id)
        }
      })
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'results wait for the control plane')
      })
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#stop?.()
    this.#socket?.close(1001, 'the agent stops')
    const cut = setTimeout(() => this.#socket?.terminate(), 1000)
    await this.#running
    clearTimeout(cut)
    await this.#flushing
  }

  async #run(): Promise<void> {
    const { first, longest } = this.#options.pauses ?? { first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS }
    const { now, log } = this.#options
    let pause = first
    while (!this.#stopped) {
      const began = now()
      const reason = await this.#connection()
      if (this.#stopped) return
      if (now() - began > STEADY_MS) pause = first
      log.warn({ reason, pause_ms: pause }, 'no tunnel to the control plane, it is opened again')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause)
        this.#stop = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      pause = Math.min(longest, pause * 2)
    }
  }

  /** One connection from its opening to its end; resolves with why it ended. */
  #connection(): Promise<string> {
    const { url, agent, token, secret, seen, now, log, outbound, heartbeatMs } = this.#options
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      followRedirects: false,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      lookup: outboundLookup(outbound),
    })
    this.#socket = socket
    const peer: TunnelPeer = new TunnelPeer(socket, {
      agent,
      secret,
      seen,
      now,
      log,
      receive: (message) => this.#receive(peer, message),
    })
    return new Promise((resolve) => {
      let reason = 'the connection ended'
      let silent = 0
      const heartbeat = setInterval(() => {
        if (++silent > SILENT_HEARTBEATS) {
          reason = 'nothing was heard'
          socket.terminate()
        } else if (peer.send('heartbeat', { alive: true })) socket.ping()
      }, heartbeatMs)
      const heard = (): void => {
        silent = 0
      }
      socket.on('message', heard).on('pong', heard)
      socket.once('open', () => {
        this.#peer = peer
        this.#told.clear()
        log.info('the tunnel to the control plane is open')
        this.flush()
      })
      socket.on('error', (error) => {
        reason = messageOf(error)
      })
      socket.once('close', (code) => {
        clearInterval(heartbeat)
        this.#peer = undefined
        resolve(code === 1006 ? reason : `closed with ${code}`)
      })
    })
  }

  async #receive(peer: TunnelPeer, message: Envelope): Promise<void> {
    const { tasks, log } = this.#options
    const payload = toPlainJson(message.payload)
    if (message.type === 'task.ack') {
      const ack = ackPayload.safeParse(payload)
      if (ack.success) await tasks.acknowledged(ack.data.run_id)
      return
    }
    if (message.type !== 'task.dispatch') return
    const parsed = dispatchPayload.safeParse(payload)
    if (!parsed.success) {
      log.warn({ message: message.id.slice(0, 64) }, 'a task of the control plane is no task')
      return
    }
    const { agent } = parsed.data
    const run_id = parsed.data.run_id ?? message.id
    const body = parsed.data.body ?? {}
    const issue_id = parsed.data.issue_id ?? issueOf(body)
    await tasks.take({ run_id, issue_id, body, ...(agent ? { agent } : {}) })
    const accepted: SendableJson = { run_id, issue_id, status: 'accepted' }
    peer.send('task.ack', accepted)
    // A task that came again may have its result already, and its sender did not hear it.
    this.#told.delete(run_id)
    this.flush()
  }
}

/** `body.data.issue.id`, where a webhook's body has the issue. */
function issueOf(body: Readonly<Record<string, unknown>>): string {
  const { data } = body
  const issue = isObject(data) ? data['issue'] : undefined
  const id = isObject(issue) ? issue['id'] : undefined
  return typeof id === 'string' ? id.slice(0, 200) : ''
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
