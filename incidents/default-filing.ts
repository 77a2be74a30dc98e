import type { Reaction } from './change.js'
import { atLeast } from './incident.js'
import type { Trackers } from './trackers/trackers.js'

/**
 * What happens where no playbook says otherwise: an incident of severity high or above is filed in every tracker, when it opens
 * or when it becomes that severe. Alert channels have their own filters.
 */
export const defaultFiling =
  (trackers: Trackers): Reaction =>
  ({ type, incident }) => {
    if (type !== 'opened' && type !== 'raised') return
    if (!atLeast(incident.severity, 'high')) return
    for (const tracker of trackers.names) trackers.file(incident.id, tracker)
  }
