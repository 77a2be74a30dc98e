import ipaddr from 'ipaddr.js'

/** The text of an address as policies compare it: an IPv4 address that came through an IPv6 socket is an IPv4 address. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** As {@link plainAddress}, from the 4 or 16 bytes of an address; empty for any other length. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length !== 4 && bytes.length !== 16) return ''
  const address = ipaddr.fromByteArray([...bytes])
  if (address instanceof ipaddr.IPv6) {
    return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
  }
  return address.toString()
}
