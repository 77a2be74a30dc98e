import { lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Agent } from 'undici'
import { z } from 'zod'
import { RuntimeError } from './errors.js'

/** `outbound:` in the configuration. */
export const outboundConfig = z
  .strictObject({
    allow: z
      .array(
        z.string().refine((text) => ipaddr.isValidCIDR(text), {
          error: (issue) => `${JSON.stringify(issue.input)} is not an address range such as 10.1.0.0/16`,
        }),
      )
      .default([])
      .describe(
        'Private address ranges that alerts and connectors may reach. Default none: an address that a URL resolves to ' +
          'must be public, so that no URL can be turned against the inside of the network.',
      ),
  })
  .prefault({})
  .describe('Which destinations our own requests may reach')

export type OutboundConfig = z.output<typeof outboundConfig>

/** The only IPv6 space in public use (RFC 4291, section 2.4): outside it `::10.0.0.1` and the like would pass. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3')

type Address = ReturnType<typeof ipaddr.process>

/** Whether our own requests may reach an address: public unicast, or named by the operator. */
export function mayReach(address: string, config: OutboundConfig): boolean {
  const parsed: Address = ipaddr.process(address)
  if (parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6))) return true
  return config.allow.some((text) => {
    const [network, bits] = ipaddr.parseCIDR(text)
    return parsed.kind() === network.kind() && parsed.match(network, bits)
  })
}

const refuse = (host: string, address: string): RuntimeError =>
  new RuntimeError(
    'OUTBOUND_REFUSED',
    `${host} is at ${address}, which is not a public address; name its range in outbound.allow to permit it`,
  )

/**
 * An HTTP dispatcher that reaches only permitted addresses. The check is made on the very address that is connected to,
 * after name resolution, so that a name cannot change between check and use.
 */
export function outboundAgent(
  config: OutboundConfig,
  connectTimeoutMs: number,
  maxResponseBytes = 64 * 1024,
): Agent {
  const lookup: LookupFunction = (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, '', 0)
        return
      }
      const forbidden = addresses.find(({ address }) => !mayReach(address, config))
      const [first] = addresses
      if (forbidden) callback(refuse(hostname, forbidden.address), '', 0)
      else if (options.all) callback(null, addresses)
      else callback(null, first?.address ?? '', first?.family ?? 0)
    })
  }
  return new Agent({ connect: { lookup, timeout: connectTimeoutMs }, maxResponseSize: maxResponseBytes })
}

/**
 * Checks a URL before a request: scheme, no credentials inside, and an address literal, which is never looked up.
 * @throws RuntimeError `OUTBOUND_REFUSED`
 */
export function checkOutboundUrl(text: string, config: OutboundConfig): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    !url ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.username !== '' ||
    url.password !== ''
  )
    throw new RuntimeError(
      'OUTBOUND_REFUSED',
      'an outbound URL must be http or https and hold no credentials',
    )
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) && !mayReach(host, config)) throw refuse(host, host)
  return url
}
