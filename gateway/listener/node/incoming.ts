import { IncomingMessage } from 'node:http'

/**
 * node:http takes the connection away from its parser for every request with an `Upgrade` field once somebody listens for
 * upgrades, and what follows, a body too, then reaches nobody's rules. This message says `upgrade` only for
 * CONNECT and for a WebSocket handshake without a body; all else goes on as an ordinary request (RFC 9110 section 7.8).
 */
export class GatewayRequest extends IncomingMessage {
  /** What the parser found: `Upgrade` and `Connection: upgrade`, or CONNECT. */
  declare upgradeAsked: boolean | null

  get upgrade(): boolean {
    return this.upgradeAsked === true && (this.method === 'CONNECT' || isWebSocketHandshake(this))
  }

  set upgrade(asked: boolean | null) {
    this.upgradeAsked = asked
  }
}

function isWebSocketHandshake(request: IncomingMessage): boolean {
  if (request.method !== 'GET' || request.httpVersion !== '1.1') return false
  const raw = request.rawHeaders
  let asksForWebSocket = false
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toLowerCase()
    if (name === 'content-length' || name === 'transfer-encoding') return false
    if (name === 'upgrade') asksForWebSocket ||= raw[i + 1]?.trim().toLowerCase() === 'websocket'
  }
  return asksForWebSocket
}

/** node's flat list as pairs. */
export function pairs(raw: readonly string[]): (readonly [string, string])[] {
  const list: (readonly [string, string])[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) list.push([raw[i] ?? '', raw[i + 1] ?? ''])
  return list
}
