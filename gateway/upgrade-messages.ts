import { WebSocket } from 'ws'
import type { RawData } from 'ws'

import type { HeaderList } from '../detectors/request.js'
import { hopByHop } from './hop-by-hop.js'
import type { WebSocketPeer, WebSocketUpgrade } from './listener/listener.js'
import { pairHeaders } from './raw-headers.js'
import type { UpgradeEvents, UpgradeRelay, UpgradeTarget } from './upgrade.js'

/** Bytes that an upstream may be behind by before the connection is given up. */
const MAX_BEHIND_BYTES = 64 * 1024 * 1024

const GOING_AWAY = 1001
const NO_STATUS = 1005
const BROKEN_OFF = 1006
const TRY_AGAIN_LATER = 1013

/** Fields as an object; a repeated one as a list. Those of the handshake are made anew by this hop. */
const fieldsOf = (flat: readonly string[]): Record<string, string | string[]> => {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = flat[at] ?? ''
    const value = flat[at + 1] ?? ''
    const lower = name.toLowerCase()
    if (lower.startsWith('sec-websocket-')) continue
    const known = fields[lower]
    if (known === undefined) fields[lower] = value
    else fields[lower] = Array.isArray(known) ? [...known, value] : [known, value]
  }
  return fields
}

/** Fields of the upstream's 101 that the client gets. */
const furtherFields = (received: HeaderList, requestId: string): HeaderList => {
  const ends = hopByHop(received)
  const kept = received.filter(([name]) => {
    const lower = name.toLowerCase()
    return (
      !ends(lower) &&
      !lower.startsWith('sec-websocket-') &&
      lower !== 'content-length' &&
      lower !== 'date' &&
      lower !== 'x-request-id'
    )
  })
  return [...kept, ['X-Request-Id', requestId]]
}

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data

/** Codes that an endpoint may put into a close frame (RFC 6455, section 7.4). */
const maySend = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_STATUS && code !== BROKEN_OFF) ||
  (code >= 3000 && code <= 4999)

/**
 * Relays a WebSocket message by message, for a listener that speaks the protocol itself. Pings are answered at each hop;
 * compression is not negotiated.
 */
export const relayMessages = (
  exchange: WebSocketUpgrade,
  target: UpgradeTarget,
  requestId: string,
  events: UpgradeEvents,
): UpgradeRelay => {
  const upstream = new WebSocket(`${target.origin.replace(/^http/, 'ws')}/`, [...exchange.protocols], {
    headers: fieldsOf(target.headers),
    perMessageDeflate: false,
    handshakeTimeout: target.timeoutMs,
    maxPayload: target.maxMessageBytes,
    followRedirects: false,
    finishRequest: (request) => {
      // Given as a URL, the path would be normalised; the upstream gets the bytes that were judged.
      request.path = target.path
      request.end()
    },
  })
  let client: WebSocketPeer | undefined
  let agreed = false
  let received: HeaderList = []
  let clientClosed = false

  const closeUpstream = (code: number, reason: Uint8Array): void => {
    if (code === BROKEN_OFF) upstream.terminate()
    else if (maySend(code)) upstream.close(code, Buffer.from(reason))
    else upstream.close()
  }

  upstream.on('upgrade', (response) => {
    received = pairHeaders(response.rawHeaders)
  })
  upstream.on('unexpected-response', (_, response) => events.refused(response))
  upstream.on('error', (error) => {
    if (agreed) client?.destroy()
    else events.failed(error)
  })
  upstream.on('open', () => {
    agreed = events.agreed(received)
    if (!agreed) {
      upstream.terminate()
      return
    }
    // Nothing is lost between the two handshakes: the upstream waits until the client is there.
    upstream.pause()
    exchange.accept(
      {
        headers: furtherFields(received, requestId),
        ...(upstream.protocol === '' ? {} : { protocol: upstream.protocol }),
      },
      {
        onOpen: (peer) => {
          client = peer
          peer.onDrain(() => upstream.resume())
          upstream.resume()
        },
        onMessage: (message, binary) => {
          if (upstream.readyState !== WebSocket.OPEN) return
          upstream.send(message, { binary })
          if (upstream.bufferedAmount > MAX_BEHIND_BYTES) {
            client?.close(TRY_AGAIN_LATER, Buffer.from('the service cannot keep up'))
            upstream.terminate()
          }
        },
        onClose: (code, reason) => {
          clientClosed = true
          upstream.resume()
          closeUpstream(code, reason)
          if (upstream.readyState === WebSocket.CLOSED) events.closed()
        },
      },
    )
  })
  upstream.on('message', (data, binary) => {
    if (client !== undefined && !client.send(bytesOf(data), binary)) upstream.pause()
  })
  upstream.on('close', (code, reason) => {
    if (!agreed) return
    if (clientClosed) events.closed()
    else if (code === BROKEN_OFF) client?.destroy()
    else client?.close(code, reason)
  })
  return {
    goAway: () => {
      client?.close(GOING_AWAY, Buffer.from('the gateway stops'))
      upstream.close(GOING_AWAY)
    },
    destroy: () => {
      if (!agreed) upstream.terminate()
    },
  }
}
