import { isIP } from 'node:net'

/** Where an upstream listens. */
export interface Endpoint {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /**
   * Whom to ask for over TLS: the name that is configured, never the Host that a client sent. Empty for an address, which is none
   * (RFC 6066 section 3); the certificate is then checked for the address.
   */
  readonly servername: string
}

/** @param origin `http://host:port` or `https://host:port`; the port may be missing */
export const endpointOf = (origin: string): Endpoint => {
  const { protocol, hostname, port } = new URL(origin)
  const tls = protocol === 'https:'
  const host = hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    port: port === '' ? (tls ? 443 : 80) : Number(port),
    tls,
    servername: isIP(host) === 0 ? host : '',
  }
}
