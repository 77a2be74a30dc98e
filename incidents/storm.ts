import type { Database } from 'lmdb'
import type { Incident, Storm } from './incident.js'

/** Matters that a storm names; further ones are counted. */
export const MAX_STORM_MATTERS = 20
/** Fingerprint of every storm: one at a time. */
export const STORM_FINGERPRINT = 'storm'
/** How its title begins and ends. */
export const STORM_TITLE = 'Storm: more kinds of detections than are told one by one'

const KEY = 'opened'

/**
 * Notices when incidents open faster than anybody reads them: more than `limit` within a window of event time.
 *
 * State is durable with the incidents, so that a restart in a flood does not begin to count anew.
 */
export class StormGauge {
  readonly #opened: Database<readonly number[], string>
  readonly #limit: number
  readonly #windowMs: number

  constructor(
    opened: Database<readonly number[], string>,
    config: { readonly incidents: number; readonly window_seconds: number },
  ) {
    this.#opened = opened
    this.#limit = config.incidents
    this.#windowMs = config.window_seconds * 1000
  }

  /** Whether one more incident at this time would be too many; counts it when it is not. In a transaction. */
  admits(time: number): boolean {
    const before = this.#opened.get(KEY) ?? []
    const [oldest] = before
    if (before.length >= this.#limit && oldest !== undefined && time - oldest < this.#windowMs) return false
    this.#opened.putSync(KEY, [...before, time].slice(-this.#limit))
    return true
  }
}

/** The storm with one more event, which may be of a matter that is new to it. */
export function intoStorm(
  storm: Storm,
  matter: { readonly fingerprint: string; readonly title: string },
  weight: number,
  isNew: boolean,
): Storm {
  const at = storm.first.findIndex(({ fingerprint }) => fingerprint === matter.fingerprint)
  const first =
    at >= 0
      ? storm.first.map((one, i) => (i === at ? { ...one, count: one.count + weight } : one))
      : isNew && storm.first.length < MAX_STORM_MATTERS
        ? [...storm.first, { fingerprint: matter.fingerprint, title: matter.title, count: weight }]
        : storm.first
  return { matters: storm.matters + (isNew ? 1 : 0), first }
}

/** Whether an incident is a storm that takes events in. */
export const isStorm = (incident: Incident): incident is Incident & { readonly storm: Storm } =>
  incident.storm !== undefined
