import { fnv, PhpLexer } from '../php-lexer.js'

/** What tells whether two files are the same program: written alike up to white space and comments, or built alike. */
export interface Fingerprint {
  /** 64 bits of hash over the tokens, without comments and white space. */
  readonly exact: string
  /** Simhash over runs of three tokens in which the texts of strings do not count: 64 bits as two halves. */
  readonly high: number
  readonly low: number
  readonly tokens: number
}

const KIND = {
  html: 1,
  comment: 2,
  name: 3,
  variable: 4,
  number: 5,
  string: 6,
  shell: 7,
  member: 8,
  punctuation: 9,
}

export function fingerprintOf(content: Buffer): Fingerprint {
  const lexer = new PhpLexer(content)
  // Votes are counted by byte of the hash, eight counters a token instead of 64, and added up at the end.
  const counts = new Uint32Array(8 * 256)
  let exactHigh = 1
  let exactLow = 2
  let tokens = 0
  let before = 0
  let beforeThat = 0
  while (lexer.next()) {
    if (lexer.kind === 'comment') continue
    const kind = KIND[lexer.kind]
    exactHigh = fnv(exactHigh, kind)
    for (let at = lexer.start; at < lexer.end; at++) {
      const byte = content[at] ?? 0
      exactHigh = fnv(exactHigh, byte)
      exactLow = Math.imul(exactLow ^ byte, 0x5bd1e995)
    }
    let token = kind
    // Variables are renamed to hide a copy, and texts changed.
    if (lexer.kind === 'name' || lexer.kind === 'punctuation')
      token = Math.imul(kind, 0x9e3779b1) ^ lexer.hash
    const run = Math.imul(Math.imul(beforeThat, 31) ^ before, 31) ^ token
    count(counts, 0, scramble(run, 0x85ebca6b))
    count(counts, 4, scramble(run ^ 0x5bd1e995, 0xc2b2ae35))
    beforeThat = before
    before = token
    tokens++
  }
  return {
    exact:
      (exactHigh >>> 0).toString(16).padStart(8, '0') + (scramble(exactLow, 0x85ebca6b) >>> 0).toString(16),
    high: majority(counts, 0, tokens),
    low: majority(counts, 4, tokens),
    tokens,
  }
}

function count(counts: Uint32Array, first: number, hash: number): void {
  for (let byte = 0; byte < 4; byte++) {
    const index = (first + byte) * 256 + ((hash >>> (byte * 8)) & 0xff)
    counts[index] = (counts[index] ?? 0) + 1
  }
}

/** The 32 bits that most of the hashes have set. */
function majority(counts: Uint32Array, first: number, tokens: number): number {
  let result = 0
  for (let bit = 0; bit < 32; bit++) {
    let set = 0
    for (let value = 0; value < 256; value++)
      if ((value >>> (bit & 7)) & 1) set += counts[(first + (bit >>> 3)) * 256 + value] ?? 0
    if (set * 2 > tokens) result |= 1 << bit
  }
  return result >>> 0
}

function scramble(value: number, factor: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), factor)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x27d4eb2f)
  return mixed ^ (mixed >>> 15)
}

const ones = (value: number): number => {
  let bits = value - ((value >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Bits in which two near duplicates may differ. */
const NEAR = 3

/**
 * Fingerprints seen so far, asked for near duplicates. With 64 bits in four bands and at most three that differ, at least
 * one band is equal.
 */
export class NearDuplicates {
  readonly #exact = new Set<string>()
  readonly #bands = [0, 1, 2, 3].map(() => new Map<number, Fingerprint[]>())

  add(fingerprint: Fingerprint): void {
    this.#exact.add(fingerprint.exact)
    for (const [band, map] of this.#bands.entries()) {
      const key = bandOf(fingerprint, band)
      const list = map.get(key)
      if (list) list.push(fingerprint)
      else map.set(key, [fingerprint])
    }
  }

  hasExact(fingerprint: Fingerprint): boolean {
    return this.#exact.has(fingerprint.exact)
  }

  has(fingerprint: Fingerprint): boolean {
    return (
      this.hasExact(fingerprint) ||
      this.#bands.some((map, band) =>
        map
          .get(bandOf(fingerprint, band))
          ?.some((other) => ones(other.high ^ fingerprint.high) + ones(other.low ^ fingerprint.low) <= NEAR),
      )
    )
  }
}

const bandOf = ({ high, low }: Fingerprint, band: number): number =>
  ((band < 2 ? high : low) >>> (band % 2 === 0 ? 0 : 16)) & 0xffff
