import ipaddr from 'ipaddr.js'

/** An address as numbers: one 32-bit word for IPv4, four of them, most significant first, for IPv6. */
export type AddressWords =
  | { readonly family: 4; readonly word: number }
  | { readonly family: 6; readonly words: readonly [number, number, number, number] }

/** A network: an address and how many of its leading bits count (0 to 32, or 0 to 128). */
export interface Network {
  readonly address: AddressWords
  readonly bits: number
  /** True when bits after the prefix were set in the text, as in `10.0.0.5/8`; they are ignored. */
  readonly hostBits: boolean
}

/** `::ffff:0:0/96`, where IPv4 addresses appear in IPv6 notation. */
const MAPPED_BITS = 96

/**
 * Reads an address as clients and lists write it. IPv4 only as four plain decimal numbers: the octal, hexadecimal and
 * short forms mean different hosts to different readers. An IPv4-mapped IPv6 address is the IPv4 address; a zone
 * (`%eth0`) is ignored. Returns `undefined` for anything else.
 */
export function parseAddress(text: string): AddressWords | undefined {
  const word = parseDecimalQuad(text, 0, text.length)
  if (word !== undefined) return { family: 4, word }
  const words = parseSix(text)
  if (words === undefined) return undefined
  const mapped = asMapped(words)
  return mapped === undefined ? { family: 6, words } : { family: 4, word: mapped }
}

/**
 * Reads an address or a CIDR network (RFC 4632, RFC 4291 section 2.3). A network inside `::ffff:0:0/96` is the IPv4
 * network. Returns `undefined` for anything else.
 */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  if (slash === -1) {
    const address = parseAddress(text)
    return address && { address, bits: address.family === 4 ? 32 : 128, hostBits: false }
  }
  const suffix = text.slice(slash + 1)
  if (!/^(?:0|[1-9]\d{0,2})$/.test(suffix)) return undefined
  const bits = Number(suffix)
  const head = text.slice(0, slash)
  const word = parseDecimalQuad(head, 0, head.length)
  if (word !== undefined) return networkOfFour(word, bits)
  const words = parseSix(head)
  if (words === undefined || bits > 128) return undefined
  const mapped = asMapped(words)
  if (mapped !== undefined && bits >= MAPPED_BITS) return networkOfFour(mapped, bits - MAPPED_BITS)
  const [a, b, c, d] = words
  const masked = [
    a & maskWord(bits),
    b & maskWord(bits - 32),
    c & maskWord(bits - 64),
    d & maskWord(bits - 96),
  ].map((w) => w >>> 0)
  const network = [masked[0] ?? 0, masked[1] ?? 0, masked[2] ?? 0, masked[3] ?? 0] as const
  const hostBits = network.some((w, i) => w !== words[i])
  return { address: { family: 6, words: network }, bits, hostBits }
}

/** Whether an address is in both networks; then one of them holds the other. IPv4 and IPv6 have none in common. */
export function networksOverlap(a: Network, b: Network): boolean {
  const bits = Math.min(a.bits, b.bits)
  if (a.address.family === 4)
    return b.address.family === 4 && ((a.address.word ^ b.address.word) & maskWord(bits)) === 0
  const { words } = a.address
  const other = b.address
  return (
    other.family === 6 &&
    words.every((word, i) => ((word ^ (other.words[i] ?? 0)) & maskWord(bits - i * 32)) === 0)
  )
}

/**
 * The key under which a client is counted: its IPv4 address, or the /64 of its IPv6 address, because one subscriber
 * holds at least that much. An address that cannot be read is its own key.
 */
export function clientKey(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) return address
  if (parsed.family === 4) {
    const w = parsed.word
    return `${w >>> 24}.${(w >>> 16) & 255}.${(w >>> 8) & 255}.${w & 255}`
  }
  return `${parsed.words[0].toString(16)}:${parsed.words[1].toString(16)}::/64`
}

/** Mask of the leading `bits` of a word; any number of bits, also below 0 and above 32. */
export function maskWord(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0
}

function networkOfFour(word: number, bits: number): Network | undefined {
  if (bits > 32) return undefined
  const network = (word & maskWord(bits)) >>> 0
  return { address: { family: 4, word: network }, bits, hostBits: network !== word }
}

function parseSix(text: string): readonly [number, number, number, number] | undefined {
  if (!text.includes(':')) return undefined
  const zone = text.indexOf('%')
  const bare = zone === -1 ? text : text.slice(0, zone)
  // The longest form is 45 characters; the library is given no longer text than that.
  if (bare.length > 45 || !/^[0-9a-f:.]+$/i.test(bare) || !ipaddr.IPv6.isValid(bare)) return undefined
  const tail = bare.slice(bare.lastIndexOf(':') + 1)
  if (tail.includes('.') && parseDecimalQuad(tail, 0, tail.length) === undefined) return undefined
  const p = ipaddr.IPv6.parse(bare).parts
  const pair = (i: number): number => (((p[i] ?? 0) << 16) | (p[i + 1] ?? 0)) >>> 0
  return [pair(0), pair(2), pair(4), pair(6)]
}

function asMapped(words: readonly [number, number, number, number]): number | undefined {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? words[3] : undefined
}

/** Lists hold a million of these: they are read without a regex or an object. */
function parseDecimalQuad(text: string, from: number, to: number): number | undefined {
  if (to - from < 7 || to - from > 15) return undefined
  let word = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i)
    if (c === 46) {
      if (digits === 0 || dots === 3) return undefined
      word = word * 256 + part
      part = 0
      digits = 0
      dots++
    } else if (c >= 48 && c <= 57) {
      if (digits > 0 && part === 0) return undefined
      part = part * 10 + (c - 48)
      digits++
      if (part > 255) return undefined
    } else return undefined
  }
  return dots === 3 && digits > 0 ? word * 256 + part : undefined
}
