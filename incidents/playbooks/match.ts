import type { Change } from '../change.js'
import { atLeast } from '../incident.js'
import type { Incident } from '../incident.js'
import type { PlaybookConfig } from './config.js'

type Match = PlaybookConfig['match']

const DETECTIONS: ReadonlySet<Change['type']> = new Set(['opened', 'raised', 'repeated', 'reopened'])

/** Whether a change is one that a playbook is looked at for. */
export const isTrigger = ({ on }: Match, type: Change['type']): boolean =>
  on === 'detected' ? DETECTIONS.has(type) : on === type

export const isDetection = (type: Change['type']): boolean => DETECTIONS.has(type)

/** Whether an incident is, as it is now, what a playbook is for. */
export function matches(match: Match, incident: Incident): boolean {
  const { severity, kinds, sites, phases, rules, count, subjects } = match
  const { kind, site, phase, rule } = incident.detected ?? {}
  const isIn = <T>(list: readonly T[] | undefined, value: NoInfer<T> | undefined): boolean =>
    list === undefined || (value !== undefined && list.includes(value))
  return (
    (severity === undefined || atLeast(incident.severity, severity)) &&
    isIn<string>(kinds, kind) &&
    isIn(sites, site) &&
    isIn(phases, phase) &&
    isIn(rules, rule) &&
    incident.count >= (count ?? 1) &&
    (subjects ?? []).every((type) =>
      incident.evidence.some((seen) => seen.subjects.some((subject) => subject.type === type)),
    )
  )
}
