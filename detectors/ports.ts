import type { IpSet } from './ip-set.js'

/**
 * The world as the detectors see it. They open no socket and no file while they judge and read no clock but this one:
 * the gateway (or a test, or a library user) injects these.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** Token buckets shared by all threads of a gateway. */
export interface CounterStore {
  /**
   * Takes one token from the bucket `key`, which holds at most `burst` tokens and gains `perSecond` of them a second.
   * Returns whether a token was there and, when not, the milliseconds until one will be.
   */
  take(key: string, perSecond: number, burst: number, now: number): { ok: boolean; retryAfterMs: number }
  /** Counts one offence of `key` inside a window; returns the number so far. */
  offend(key: string, windowMs: number, now: number): number
  /** Bans `key` until the given time; `bannedUntil` is 0 when it is not banned. */
  ban(key: string, until: number): void
  bannedUntil(key: string, now: number): number
}

/**
 * What was decided about clients and paths since the configuration was read: the answers to incidents. It changes while
 * requests are judged; each question is answered at once and from memory.
 */
export interface AnswerList {
  /** Clients that are refused now; replaced, never changed. */
  readonly banned: IpSet
  /** The paths that are refused on this site now, lower case and without a slash at their ends; undefined when there are none. */
  blockedPaths(site: string): ReadonlySet<string> | undefined
}

export interface GeoRecord {
  readonly country?: string
  readonly continent?: string
  readonly asn?: number
  /** What a city data base knows besides; names are English. */
  readonly countryName?: string
  readonly city?: string
  /** ISO 3166-2 code of the first subdivision, without the country: `CA` for California. */
  readonly region?: string
  readonly postalCode?: string
  /** Degrees. */
  readonly latitude?: number
  readonly longitude?: number
  /** Code of the market area, United States only. */
  readonly metroCode?: number
}

export interface GeoReader {
  lookup(address: string): GeoRecord | undefined
}

/** Reads rule and data files while rules are loaded, never while a request is judged. */
export interface RuleFiles {
  /** File content as a byte string (one char per byte). */
  read(path: string): string
  /** Expands a glob of an Include into sorted absolute paths; a plain path gives itself. */
  expand(pattern: string): readonly string[]
}

export interface Ports {
  readonly clock: Clock
  readonly counters: CounterStore
  readonly geo?: GeoReader
  readonly answers?: AnswerList
  /** Variables of the process that rules may read as `ENV:NAME`: those that the operator listed, never all. */
  readonly environment?: ReadonlyMap<string, string>
}
