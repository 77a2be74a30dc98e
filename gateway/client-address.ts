import { isIP } from 'node:net'

import { parseNetwork } from '../detectors/ip-address.js'
import { IpSet } from '../detectors/ip-set.js'
import type { HeaderList } from '../detectors/request.js'
import { GatewayError } from './errors.js'
import { listValues } from './header-fields.js'

/** Longest chain of proxies that is followed; whoever sends a longer one is taken by its last trusted hop. */
const MAX_HOPS = 32

/** Who sent a request, and whether the proxy in front of us is one that we believe. */
export interface ClientAddress {
  /** The address that policies apply to. */
  readonly address: string
  /** The peer of the connection is a trusted proxy. */
  readonly viaTrustedProxy: boolean
}

/** `::ffff:192.0.2.1` is `192.0.2.1`; a dual-stack socket reports the first form. */
export const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address

/** An element of `X-Forwarded-For`: an address, maybe with a port, an IPv6 one then in brackets. */
const elementAddress = (element: string): string | undefined => {
  if (element.length > 64) return undefined
  if (isIP(element) !== 0) return plainAddress(element)
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$/.exec(element)
  const bare = bracketed?.[1] ?? /^([0-9.]+):\d{1,5}$/.exec(element)?.[1]
  return bare !== undefined && isIP(bare) !== 0 ? plainAddress(bare) : undefined
}

/**
 * Makes the function that finds the client of a request. `X-Forwarded-For` counts only when the peer is a trusted
 * proxy; then the client is the rightmost address that is not one itself. An element that is no address ends the
 * search at the hop before it.
 *
 * @param trustedProxies addresses and CIDR networks
 * @throws GatewayError `GATEWAY_CONFIG` for one that is neither
 */
export const clientAddressReader = (
  trustedProxies: readonly string[],
): ((peer: string, headers: HeaderList) => ClientAddress) => {
  if (trustedProxies.length === 0) return (peer) => ({ address: plainAddress(peer), viaTrustedProxy: false })
  const trusted = new IpSet(
    trustedProxies.map((text) => {
      const network = parseNetwork(text)
      if (network === undefined)
        throw new GatewayError(
          'GATEWAY_CONFIG',
          `trusted_proxies: ${text} is not an address or a CIDR network`,
        )
      return network
    }),
  )
  return (peer, headers) => {
    const address = plainAddress(peer)
    if (trusted.has(address) !== true) return { address, viaTrustedProxy: false }
    const chain = listValues(headers, 'x-forwarded-for')
    let client = address
    for (let at = chain.length - 1, hops = 0; at >= 0 && hops < MAX_HOPS; at--, hops++) {
      const element = elementAddress(chain[at] ?? '')
      if (element === undefined) break
      client = element
      if (trusted.has(element) !== true) break
    }
    return { address: client, viaTrustedProxy: true }
  }
}
