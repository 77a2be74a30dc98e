import type { ActionValue } from '../ledger/client/types.js'
import type { Incident } from './incident.js'

/** What happened to an incident; each becomes an entry of the ledger. */
export type StepName = 'opened' | 'repeated' | 'announced' | 'alert_failed'

export interface Step {
  readonly name: StepName
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly members: { readonly [key: string]: ActionValue }
}

/** A step of an incident, with the state that it left. */
export const stepOf = (
  name: StepName,
  time: number,
  incident: Incident,
  more: { readonly [key: string]: ActionValue } = {},
): Step => ({
  name,
  time,
  members: {
    incident: {
      id: incident.id,
      fingerprint: incident.fingerprint,
      severity: incident.severity,
      state: incident.state,
    },
    count: incident.count,
    first: incident.first_seen,
    last: incident.last_seen,
    ...more,
  },
})
