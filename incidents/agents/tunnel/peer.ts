import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { WebSocket, type RawData } from 'ws'
import { messageOf } from '../../../runtime/errors.js'
import { EnvelopeError, openEnvelope, sealEnvelope, type Envelope, type MessageType } from './envelope.js'
import type { SendableJson } from './lossless-json.js'
import type { SeenMessages } from './seen-messages.js'

/** Messages that wait to be handled; a peer that sends faster is cut off. */
const MAX_WAITING = 256
/** Bytes that wait to be sent; a peer that does not read them is cut off. */
const MAX_BUFFERED = 4 * 1024 * 1024

const CLOSE_POLICY = 1008
const CLOSE_TOO_FAST = 1013

export interface PeerDeps {
  /** Whose tunnel it is; every message of either end names it. */
  readonly agent: string
  readonly secret: string
  readonly seen: SeenMessages
  readonly now: () => number
  readonly log: Logger
  /** Gets each message that is signed, fresh and new, in order. */
  readonly receive: (message: Envelope) => Promise<void>
}

/** One end of one connection: what it sends is signed, what it hands on was believed. */
export class TunnelPeer {
  readonly #socket: WebSocket
  readonly #deps: PeerDeps
  #handling: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(socket: WebSocket, deps: PeerDeps) {
    this.#socket = socket
    this.#deps = deps
    socket.on('message', (data, isBinary) => this.#arrived(data, isBinary))
    // Why a connection ends is told by `close`.
    socket.on('error', (error) =>
      deps.log.debug({ agent: deps.agent, reason: messageOf(error) }, 'tunnel error'),
    )
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Sends a message; false when the connection is gone. */
  send(type: MessageType, payload: SendableJson): boolean {
    if (!this.isOpen) return false
    if (this.#socket.bufferedAmount > MAX_BUFFERED) {
      this.#socket.close(CLOSE_TOO_FAST, 'too slow')
      return false
    }
    const { agent, now, secret } = this.#deps
    const ts = Math.floor(now() / 1000)
    this.#socket.send(sealEnvelope({ id: randomUUID(), type, ts, agent_id: agent, payload }, secret))
    return true
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  #arrived(data: RawData, isBinary: boolean): void {
    if (++this.#waiting > MAX_WAITING) {
      this.#socket.close(CLOSE_TOO_FAST, 'too many messages')
      this.#socket.removeAllListeners('message')
      return
    }
    this.#handling = this.#handling
      .then(() => this.#handle(data, isBinary))
      .catch((error: unknown) => {
        this.#deps.log.error({ agent: this.#deps.agent, err: error }, 'a message of the tunnel failed')
      })
      .finally(() => this.#waiting--)
  }

  async #handle(data: RawData, isBinary: boolean): Promise<void> {
    const { agent, secret, seen, now, log, receive } = this.#deps
    let message
    try {
      if (isBinary) throw new EnvelopeError('invalid_json', 'a binary frame')
      message = openEnvelope((data as Buffer).toString('utf8'), secret)
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      log.warn({ agent, problem: error.problem, reason: error.message }, 'a message of the tunnel is refused')
      this.send('error', { reason: error.problem, msg_id: error.messageId })
      return
    }
    if (message.agent_id !== agent) {
      log.warn({ agent }, 'a message of the tunnel names another agent')
      this.#socket.close(CLOSE_POLICY, 'agent_id is not the one of this tunnel')
      return
    }
    const admission = await seen.admit(agent, message.id, message.ts, now())
    if (admission === 'fresh') await receive(message)
    else
      log.warn({ agent, message: message.id.slice(0, 64), admission }, 'a message of the tunnel is refused')
  }
}
