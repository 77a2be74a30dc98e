import { lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Agent } from 'undici'
import { z } from 'zod'
import { codeOf, RuntimeError } from './errors.js'

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
 * Name resolution for a connection that may only reach permitted addresses. The check is made on the very address that is
 * connected to, so that a name cannot change between check and use. An address literal is never looked up:
 * `checkOutboundUrl` judges it.
 */
export const outboundLookup =
  (config: OutboundConfig): LookupFunction =>
  (hostname, options, callback) => {
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

/** An HTTP dispatcher that reaches only permitted addresses, see {@link outboundLookup}. */
export function outboundAgent(
  config: OutboundConfig,
  connectTimeoutMs: number,
  maxResponseBytes = 64 * 1024,
): Agent {
  return new Agent({
    connect: { lookup: outboundLookup(config), timeout: connectTimeoutMs },
    maxResponseSize: maxResponseBytes,
  })
}

/**
 * Checks a URL before a connection: scheme, no credentials inside, and an address literal, which is never looked up.
 *
 * @param schemes without the colon; http and https when left out
 * @throws RuntimeError `OUTBOUND_REFUSED`
 */
export function checkOutboundUrl(
  text: string,
  config: OutboundConfig,
  schemes: readonly string[] = ['https', 'http'],
): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !schemes.includes(url.protocol.slice(0, -1)) || url.username !== '' || url.password !== '')
    throw new RuntimeError(
      'OUTBOUND_REFUSED',
      `an outbound URL must be ${schemes.toReversed().join(' or ')} and hold no credentials`,
    )
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) && !mayReach(host, config)) throw refuse(host, host)
  return url
}

/** Faults that arise before a byte of the request is sent. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** Whether a request failed before a byte of it was sent, so that nobody can have acted on it. */
export const wasNotSent = (error: unknown): boolean => NOT_SENT.has(codeOf(error) ?? '')
