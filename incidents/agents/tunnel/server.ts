import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { WebSocketServer, type WebSocket } from 'ws'
import { refuseUpgrade } from '../../../runtime/api/server.js'
import { bearerToken, equalSecrets } from '../bearer.js'
import { MAX_MESSAGE_BYTES, type Envelope } from './envelope.js'
import { toPlainJson, type SendableJson } from './lossless-json.js'
import { ackPayload, errorPayload, resultPayload } from './messages.js'
import { TunnelPeer } from './peer.js'
import type { SeenMessages } from './seen-messages.js'

/** A connection on which nothing came for so long is dead; agents send a heartbeat every 20 s. */
const SILENCE_MS = 90_000

const CLOSE_GOING_AWAY = 1001
const CLOSE_REPLACED = 4000
const CLOSE_SILENT = 4001

/** An agent that may open a tunnel, with its own secrets. */
export interface TunnelAccount {
  readonly agent: string
  readonly token: string
  readonly secret: string
}

/** What an agent says about a run; not yet judged. */
export interface TunnelResult {
  readonly run_id: string
  readonly status: 'success' | 'failed' | 'timeout'
  readonly summary: string
  readonly proposed_actions?: unknown
}

export interface TunnelServerDeps {
  readonly accounts: readonly TunnelAccount[]
  readonly seen: SeenMessages
  readonly now: () => number
  readonly log: Logger
  /** Takes the result of a run durably; it is acknowledged to the agent when this resolves. */
  readonly result: (agent: string, result: TunnelResult) => Promise<void>
  /** Told when an agent came or went. */
  readonly changed?: (agent: string, connected: boolean) => void
  readonly silenceMs?: number
}

interface Tunnel {
  readonly peer: TunnelPeer
  /** Dispatches that wait for their acknowledgement, by run. */
  readonly unacknowledged: Map<string, (acknowledged: boolean) => void>
}

/** The server's end of tunnels: agents behind NAT connect to it, one connection each. */
export class TunnelServer {
  readonly #deps: TunnelServerDeps
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  readonly #tunnels = new Map<string, Tunnel>()

  constructor(deps: TunnelServerDeps) {
    this.#deps = deps
  }

  /** Takes an upgrade of the HTTP server's. What does not prove who it is gets 401 and no WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const given = bearerToken(request.headers.authorization)
    // Every account is compared, so that the time does not tell which one nearly fitted.
    const [account] = this.#deps.accounts.filter(
      ({ token }) => given !== undefined && equalSecrets(given, token),
    )
    if (account === undefined) {
      this.#deps.log.warn(
        { remote: request.socket.remoteAddress },
        'a tunnel without a valid token is refused',
      )
      refuseUpgrade(socket, '401 Unauthorized', 'WWW-Authenticate: Bearer\r\n')
      return
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#connected(webSocket, account))
  }

  isConnected(agent: string): boolean {
    return this.#tunnels.get(agent)?.peer.isOpen === true
  }

  /**
   * Hands a task over.
   *
   * @returns `absent` when the agent is not connected: then nothing was sent; `accepted` when it acknowledged;
   *   `unknown` when the connection or the time ended before that
   */
  dispatch(
    agent: string,
    payload: { readonly run_id: string } & Readonly<Record<string, SendableJson | undefined>>,
    signal: AbortSignal,
  ): Promise<'absent' | 'accepted' | 'unknown'> {
    const tunnel = this.#tunnels.get(agent)
    if (!tunnel || signal.aborted) return Promise.resolve('absent')
    return new Promise((resolve) => {
      const end = (outcome: 'absent' | 'accepted' | 'unknown'): void => {
        tunnel.unacknowledged.delete(payload.run_id)
        signal.removeEventListener('abort', aborted)
        resolve(outcome)
      }
      const aborted = (): void => end('unknown')
      signal.addEventListener('abort', aborted)
      tunnel.unacknowledged.set(payload.run_id, (acknowledged) => end(acknowledged ? 'accepted' : 'unknown'))
      if (!tunnel.peer.send('task.dispatch', payload)) end('absent')
    })
  }

  async close(): Promise<void> {
    for (const { peer } of this.#tunnels.values()) peer.close(CLOSE_GOING_AWAY, 'the server stops')
    for (const client of this.#server.clients) {
      const cut = setTimeout(() => client.terminate(), 1000)
      client.once('close', () => clearTimeout(cut))
    }
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  #connected(socket: WebSocket, account: TunnelAccount): void {
    const { agent, secret } = account
    const { seen, now, log, changed, silenceMs = SILENCE_MS } = this.#deps
    const unacknowledged: Tunnel['unacknowledged'] = new Map()
    const peer = new TunnelPeer(socket, {
      agent,
      secret,
      seen,
      now,
      log,
      receive: (message) => this.#receive(agent, tunnel, message),
    })
    const tunnel: Tunnel = { peer, unacknowledged }
    // A connection that died without a word would otherwise keep its agent out until it is found dead.
    this.#tunnels.get(agent)?.peer.close(CLOSE_REPLACED, 'the agent connected again')
    this.#tunnels.set(agent, tunnel)
    const silence = setTimeout(() => {
      peer.close(CLOSE_SILENT, 'nothing was heard')
      setTimeout(() => socket.terminate(), 1000).unref()
    }, silenceMs)
    socket.on('message', () => silence.refresh())
    socket.once('close', (code) => {
      clearTimeout(silence)
      for (const end of unacknowledged.values()) end(false)
      log.info({ agent, code }, 'an agent left its tunnel')
      if (this.#tunnels.get(agent) !== tunnel) return
      this.#tunnels.delete(agent)
      changed?.(agent, false)
    })
    log.info({ agent }, 'an agent opened its tunnel')
    changed?.(agent, true)
  }

  async #receive(agent: string, tunnel: Tunnel, message: Envelope): Promise<void> {
    const payload = toPlainJson(message.payload)
    switch (message.type) {
      case 'task.ack': {
        const ack = ackPayload.safeParse(payload)
        if (ack.success) tunnel.unacknowledged.get(ack.data.run_id)?.(true)
        return
      }
      case 'task.result': {
        const result = resultPayload.safeParse(payload)
        if (!result.success) {
          this.#deps.log.warn({ agent }, 'a result in the tunnel is no result')
          return
        }
        const { run_id, status, summary, proposed_actions } = result.data
        // A result says as well that its task arrived.
        tunnel.unacknowledged.get(run_id)?.(true)
        await this.#deps.result(agent, {
          run_id,
          status,
          summary,
          ...(proposed_actions === undefined ? {} : { proposed_actions }),
        })
        tunnel.peer.send('task.ack', { run_id, status: 'accepted' })
        return
      }
      case 'error': {
        const error = errorPayload.safeParse(payload)
        this.#deps.log.warn(
          { agent, reason: error.data?.reason },
          'the agent refused a message of the tunnel',
        )
        return
      }
      default:
        // `heartbeat` was heard, which is all that it is for; other types are for others.
        return
    }
  }
}
