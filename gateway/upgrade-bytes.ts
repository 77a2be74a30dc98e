import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'

import type { HeaderList } from '../detectors/request.js'
import { hopByHop } from './hop-by-hop.js'
import type { RawUpgrade } from './listener/listener.js'
import { pairHeaders } from './raw-headers.js'
import type { UpgradeEvents, UpgradeRelay, UpgradeTarget } from './upgrade.js'
import { endpointOf } from './upstream/endpoint.js'
import { timedOut } from './upstream/upstream-error.js'

/** The 101 as the client gets it: fields of the handshake, and those that are not for one hop only. */
const switchingHead = (received: HeaderList, requestId: string): string => {
  const ends = hopByHop(received)
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (const [name, value] of received) {
    const lower = name.toLowerCase()
    if (!ends(lower) && lower !== 'content-length' && lower !== 'x-request-id')
      head += `${name}: ${value}\r\n`
  }
  return `${head}X-Request-Id: ${requestId}\r\n\r\n`
}

const join = (one: Duplex, other: Duplex): void => {
  one.pipe(other)
  one.on('error', () => other.destroy())
  one.once('close', () => other.destroy())
}

/** Relays an upgraded connection byte by byte, with backpressure both ways. */
export const relayBytes = (
  exchange: RawUpgrade,
  target: UpgradeTarget,
  requestId: string,
  events: UpgradeEvents,
): UpgradeRelay => {
  const { host, port, tls, servername } = endpointOf(target.origin)
  const ask = tls ? httpsRequest : httpRequest
  const request = ask({
    host,
    port,
    method: 'GET',
    path: target.path,
    headers: [...target.headers, 'connection', 'Upgrade', 'upgrade', 'websocket'],
    agent: false,
    setHost: false,
    ...(tls ? { servername } : {}),
  })
  let ends: readonly Duplex[] = []
  const timer = setTimeout(() => request.destroy(timedOut('the upgrade took too long')), target.timeoutMs)
  request.once('error', (error) => {
    clearTimeout(timer)
    events.failed(error)
  })
  request.once('response', (response) => {
    clearTimeout(timer)
    events.refused(response)
  })
  request.once('upgrade', (response, upstream: Duplex, head: Buffer) => {
    clearTimeout(timer)
    upstream.on('error', () => undefined)
    const headers = pairHeaders(response.rawHeaders)
    if (!events.agreed(headers)) {
      upstream.destroy()
      return
    }
    const client = exchange.accept()
    ends = [client.socket, upstream]
    client.socket.write(switchingHead(headers, requestId), 'latin1')
    if (head.length > 0) client.socket.write(head)
    if (client.head.length > 0) upstream.write(client.head)
    let open = 2
    for (const end of ends) end.once('close', () => --open === 0 && events.closed())
    join(client.socket, upstream)
    join(upstream, client.socket)
  })
  request.end()
  const destroy = (): void => {
    clearTimeout(timer)
    request.destroy()
    for (const end of ends) end.destroy()
  }
  // A close frame of ours could land inside a frame of the upstream, so the connection is cut.
  return { destroy, goAway: destroy }
}
