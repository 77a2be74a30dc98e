import ipaddr from 'ipaddr.js'

/** An address as ipaddr.js parses it. */
type Address = ipaddr.IPv4 | ipaddr.IPv6

interface Range {
  readonly base: Address
  readonly bits: number
}

/** Addresses and networks, IPv4 and IPv6, that an address is looked up in. Plain addresses are found by hash, networks one after the other. */
export class AddressSet {
  readonly #single = new Set<string>()
  readonly #ranges: Range[] = []

  /** Adds `address` or `address/bits`; returns false when it is neither. */
  add(text: string): boolean {
    const slash = text.indexOf('/')
    const base = parseAddress(slash < 0 ? text : text.slice(0, slash))
    if (base === undefined) return false
    const width = base.kind() === 'ipv4' ? 32 : 128
    if (slash < 0) {
      this.#single.add(base.toNormalizedString())
      return true
    }
    const digits = text.slice(slash + 1)
    if (!/^\d{1,3}$/.test(digits) || Number(digits) > width) return false
    this.#ranges.push({ base, bits: Number(digits) })
    return true
  }

  has(text: string): boolean {
    if (this.#ranges.length === 0 && CANONICAL.test(text)) return this.#single.has(text)
    const address = parseAddress(text)
    if (address === undefined) return false
    if (this.#single.has(address.toNormalizedString())) return true
    return this.#ranges.some((range) => contains(range, address))
  }
}

function contains(range: Range, address: Address): boolean {
  return range.base.kind() === address.kind() && address.match(range.base, range.bits)
}

/** Spelled as `toNormalizedString` spells an IPv4 address; what only looks like one is no address, and in no set. */
const CANONICAL = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/

const dottedTail = /^([0-9a-fA-F:]*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

function parseAddress(text: string): Address | undefined {
  if (text.length > 64) return undefined
  // ipaddr.js also reads 0x7f.1 and other short forms; rules mean the four-part one.
  if (!text.includes(':'))
    return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && ipaddr.isValid(text) ? ipaddr.parse(text) : undefined
  // It takes ::192.0.2.1 for ::ffff:192.0.2.1; written in hexadecimal there is no doubt.
  const hexadecimal = text.replace(dottedTail, (all, head: string, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return Math.max(a, b, c, d) > 255
      ? all
      : `${head}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  return ipaddr.isValid(hexadecimal) ? ipaddr.parse(hexadecimal) : undefined
}
