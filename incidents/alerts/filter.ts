import { atLeast } from '../incident.js'
import type { Incident } from '../incident.js'
import type { AlertConfig } from './config.js'

type Filter = AlertConfig['filter']
export type AnnouncedChange = NonNullable<Filter['events']>[number]

/** Whether a change to an incident is announced on a channel. */
export function passes(filter: Filter, change: AnnouncedChange, incident: Incident): boolean {
  const { min_severity, events, sites, kinds, subjects } = filter
  const { kind, site } = incident.detected ?? {}
  const isIn = <T>(list: readonly T[] | undefined, value: NoInfer<T> | undefined): boolean =>
    list === undefined || (value !== undefined && list.includes(value))
  return (
    (change === 'approval' || atLeast(incident.severity, min_severity)) &&
    isIn(events, change) &&
    isIn(sites, site) &&
    isIn<string>(kinds, kind) &&
    (subjects === undefined ||
      incident.evidence.some((seen) => seen.subjects.some(({ type }) => subjects.includes(type))))
  )
}
