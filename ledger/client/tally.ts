import { encodeHex } from '../../proofs/bytes.js'
import { CompactRange } from '../../proofs/compact-range.js'
import { leafHash } from '../../proofs/hashing.js'
import type { ActionInput, ActionValue } from './types.js'

/** Distinct keys of each map of a summary; the schema allows one more. */
const MAX_KEYS = 999
const MAX_SITES = 99
const MAX_RULES = 499
const OTHER = 'other'

/** What a summary says, and how far its caller had come with the last action that it counts. */
export interface Counted {
  readonly members: { readonly [key: string]: ActionValue }
  readonly position: number | undefined
}

/** Actions that are counted instead of recorded, until they are put into one `security.summary`. */
export class Tally {
  #from = 0
  #to = 0
  #count = 0
  #counts = new Counts(MAX_KEYS)
  #sites = new Counts(MAX_SITES)
  #rules = new Counts(MAX_RULES)
  #records = new CompactRange()
  #firstId: string | undefined
  #lastId: string | undefined
  #position: number | undefined

  /** Actions counted since the last `take`. */
  get count(): number {
    return this.#count
  }

  /** @param now milliseconds since the Unix epoch */
  add(action: ActionInput, now: number, position?: number): void {
    if (this.#count === 0) this.#from = now
    this.#to = Math.max(this.#to, now)
    this.#count++
    const { verdict, site, record } = action.members
    const decided = isObject(verdict) ? verdict : undefined
    this.#counts.add(decided === undefined ? action.kind : wordsOf(decided['action'], decided['phase']))
    if (typeof site === 'string') this.#sites.add(site)
    const rule = decided?.['rule']
    if (typeof rule === 'number') this.#rules.add(String(rule))
    const commitment = isObject(record) ? record['hash'] : undefined
    if (typeof commitment === 'string') this.#records.append(leafHash(Buffer.from(commitment, 'hex')))
    this.#firstId ??= action.id
    this.#lastId = action.id ?? this.#lastId
    this.#position = position ?? this.#position
  }

  /** The summary so far; counting starts anew. */
  take(): Counted {
    const members = {
      from: this.#from,
      to: Math.max(this.#from, this.#to),
      count: this.#count,
      counts: keyed(this.#counts.take()),
      ...(this.#sites.size === 0 ? {} : { sites: sitesOf(this.#sites.take()) }),
      ...(this.#rules.size === 0 ? {} : { rules: this.#rules.take() }),
      ...(this.#records.size === 0
        ? {}
        : { records: { count: this.#records.size, root: encodeHex(this.#records.root()) } }),
      ...(this.#firstId === undefined ? {} : { first_id: this.#firstId }),
      ...(this.#lastId === undefined ? {} : { last_id: this.#lastId }),
    }
    const position = this.#position
    this.#from = 0
    this.#to = 0
    this.#count = 0
    this.#records = new CompactRange()
    this.#firstId = undefined
    this.#lastId = undefined
    this.#position = undefined
    return { members, position }
  }
}

/** How often each key came; those beyond the first so many are counted together. */
class Counts {
  readonly #max: number
  #counts = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#counts.size
  }

  add(key: string): void {
    const counted = this.#counts.has(key) || this.#counts.size < this.#max ? key : OTHER
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1)
  }

  take(): { readonly [key: string]: number } {
    const counts = Object.fromEntries(this.#counts)
    this.#counts = new Map()
    return counts
  }
}

/** A list, because a site's name is no key of the canonical form. */
function sitesOf(counts: { readonly [site: string]: number }): ActionValue {
  return Object.entries(counts).map(([site, count]) => ({ site, count }))
}

/** `block_xss` for a verdict, `scan.verdict` for anything else. */
function wordsOf(action: ActionValue | undefined, phase: ActionValue | undefined): string {
  const first = typeof action === 'string' ? action : OTHER
  return typeof phase === 'string' ? `${first}_${phase}` : first
}

/** Counts under keys that the schema takes. */
function keyed(counts: { readonly [words: string]: number }): { readonly [key: string]: number } {
  const result: Record<string, number> = {}
  for (const [words, count] of Object.entries(counts)) {
    const key = words.replaceAll(/[^a-z0-9_]/g, '_').slice(0, 128) || OTHER
    result[key] = (result[key] ?? 0) + count
  }
  return result
}

function isObject(value: ActionValue | undefined): value is { readonly [key: string]: ActionValue } {
  return typeof value === 'object' && !Array.isArray(value)
}
