import type { ActionValue } from '../ledger/client/types.js'
import type { Incident } from './incident.js'

/** What happened to an incident; each becomes the entry `incident.NAME` of its session in the ledger. */
export type StepName =
  | 'opened'
  | 'repeated'
  | 'updated'
  | 'announced'
  | 'alert_failed'
  | 'assigned'
  | 'commented'
  | 'filed'
  | 'synced'
  | 'dispatched'
  | 'result'
  | 'proposed'
  | 'commanded'
  | 'responded'
  | 'escalated'
  | 'failed'
  | 'resolved'
  | 'reopened'

export interface Step {
  readonly incident: string
  /** Kind of the ledger's entry, e.g. `incident.opened` or `approval.granted`. */
  readonly kind: string
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly members: { readonly [key: string]: ActionValue }
}

/** A step of an incident, with the state that it left. `more` are members that the schema of the kind allows. */
export const stepOf = (
  name: StepName,
  time: number,
  incident: Incident,
  more: { readonly [key: string]: ActionValue } = {},
): Step => ({
  incident: incident.id,
  kind: `incident.${name}`,
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
