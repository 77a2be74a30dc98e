import type { ActionInput, ActionValue } from './types.js'

/** Distinct keys of a summary; the schema allows 1,000. */
const MAX_KEYS = 999
const OTHER = 'other'

/** Actions that are counted instead of recorded, until they are put into one `security.summary`. */
export class Tally {
  #from = 0
  #to = 0
  #count = 0
  #counts = new Map<string, number>()
  #firstId: string | undefined
  #lastId: string | undefined

  /** Actions counted since the last `take`. */
  get count(): number {
    return this.#count
  }

  /** @param now milliseconds since the Unix epoch */
  add(action: ActionInput, now: number): void {
    if (this.#count === 0) this.#from = now
    this.#to = Math.max(this.#to, now)
    this.#count++
    const key = keyOf(action)
    const counted = this.#counts.has(key) || this.#counts.size < MAX_KEYS ? key : OTHER
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1)
    this.#firstId ??= action.id
    this.#lastId = action.id ?? this.#lastId
  }

  /** The members of the summary so far; counting starts anew. */
  take(): { readonly [key: string]: ActionValue } {
    const members = {
      from: this.#from,
      to: Math.max(this.#from, this.#to),
      count: this.#count,
      counts: Object.fromEntries(this.#counts),
      ...(this.#firstId === undefined ? {} : { first_id: this.#firstId }),
      ...(this.#lastId === undefined ? {} : { last_id: this.#lastId }),
    }
    this.#from = 0
    this.#to = 0
    this.#count = 0
    this.#counts = new Map()
    this.#firstId = undefined
    this.#lastId = undefined
    return members
  }
}

/** `block_xss` for a verdict, `scan_verdict` for anything else. */
function keyOf(action: ActionInput): string {
  const { verdict } = action.members
  const words = isObject(verdict) ? [verdict['action'], verdict['phase']] : [action.kind]
  const key = words
    .filter((word) => typeof word === 'string')
    .join('_')
    .replaceAll(/[^a-z0-9_]/g, '_')
    .slice(0, 128)
  return key === '' ? OTHER : key
}

function isObject(value: ActionValue | undefined): value is { readonly [key: string]: ActionValue } {
  return typeof value === 'object' && !Array.isArray(value)
}
