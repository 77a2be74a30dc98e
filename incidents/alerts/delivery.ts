import type { Incident } from '../incident.js'

/** One announcement on one channel, durable until it was received. */
export interface Delivery {
  /** UUIDv7; also in the body, so that a receiver knows a repeat. */
  readonly id: string
  readonly alert: string
  readonly incident: string
  /** Exact bytes that are sent, the same at each attempt. */
  readonly body: string
  readonly event: string
  readonly attempts: number
  /** Milliseconds since the Unix epoch; not tried before. */
  readonly due: number
  readonly state: 'waiting' | 'failed'
  readonly last_error?: string
}

/** Makes the announcement of an incident. `event` is e.g. `incident.opened`. */
export function newDelivery(
  id: string,
  alert: string,
  event: string,
  incident: Incident,
  now: number,
): Delivery {
  const { evidence, ...facts } = incident
  return {
    id,
    alert,
    incident: incident.id,
    body: JSON.stringify({
      id,
      event,
      timestamp: new Date(now).toISOString(),
      incident: { ...facts, evidence: evidence.slice(-3) },
    }),
    event,
    attempts: 0,
    due: now,
    state: 'waiting',
  }
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 3_600_000

/** Pause before the next attempt: doubling, with a tenth of jitter so that many do not come back at once. */
export const backOff = (attempts: number, random: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, attempts - 1)) * (1 + random / 10)
