import { oneLine } from '../visible.js'
import type { Incident } from '../incident.js'
import { severityRank } from '../incident.js'
import type { Severity } from '../../runtime/events.js'

/** An incident as it is announced: of its evidence, the latest. */
export type AnnouncedIncident = Incident

/** What became of one incident, told. */
export interface IncidentAnnouncement {
  /** E.g. `incident.opened`. */
  readonly event: string
  /** RFC 3339. */
  readonly timestamp: string
  readonly incident: AnnouncedIncident
  /** Set when a person is asked whether an answer may be given. */
  readonly question?: {
    readonly id: string
    /** What would be done, and to what; untrusted. */
    readonly action: string
    readonly by: string
    /** RFC 3339; nobody can say yes later. */
    readonly until: string
  }
}

/** What was held back, told together. */
export interface DigestAnnouncement {
  readonly event: 'incidents.digest'
  readonly timestamp: string
  readonly digest: {
    /** Announcements that were held back; true also where not all are listed. */
    readonly count: number
    readonly incidents: number
    readonly by_severity: Readonly<Partial<Record<Severity, number>>>
    /** The most severe, bounded by `MAX_LISTED`. */
    readonly listed: readonly {
      readonly event: string
      readonly incident: Pick<Incident, 'id' | 'title' | 'severity' | 'state' | 'count'>
    }[]
  }
}

/** Somebody wants to know whether a channel works. */
export interface TestAnnouncement {
  readonly event: 'test'
  readonly timestamp: string
}

/** What is announced; kept as it was decided, so that every attempt sends the same bytes. */
export type Announcement = IncidentAnnouncement | DigestAnnouncement | TestAnnouncement

/** Evidence that an announcement carries. */
const SHOWN_EVIDENCE = 3
/** Incidents that a digest lists; the others are counted. */
const MAX_LISTED = 20
const TITLE_LENGTH = 200
const SAMPLE_LENGTH = 300

export const announcementOf = (event: string, incident: Incident, now: number): IncidentAnnouncement => ({
  event,
  timestamp: new Date(now).toISOString(),
  incident: { ...incident, evidence: incident.evidence.slice(-SHOWN_EVIDENCE) },
})

export const testAnnouncement = (now: number): TestAnnouncement => ({
  event: 'test',
  timestamp: new Date(now).toISOString(),
})

/** What was held back of one incident: its latest announcement, and how many there were. */
export interface Held {
  readonly announcement: IncidentAnnouncement
  readonly count: number
}

/** Tells together what was held back, the most severe first. */
export function digestOf(held: readonly Held[], now: number): DigestAnnouncement {
  const sorted = held.toSorted(
    (a, b) => severityRank(b.announcement.incident.severity) - severityRank(a.announcement.incident.severity),
  )
  const by_severity: Partial<Record<Severity, number>> = {}
  for (const { announcement } of sorted) {
    const { severity } = announcement.incident
    by_severity[severity] = (by_severity[severity] ?? 0) + 1
  }
  return {
    event: 'incidents.digest',
    timestamp: new Date(now).toISOString(),
    digest: {
      count: held.reduce((sum, { count }) => sum + count, 0),
      incidents: held.length,
      by_severity,
      listed: sorted.slice(0, MAX_LISTED).map(({ announcement: { event, incident } }) => ({
        event,
        incident: {
          id: incident.id,
          title: incident.title,
          severity: incident.severity,
          state: incident.state,
          count: incident.count,
        },
      })),
    },
  }
}

/** An announcement for people, before a channel escapes it for its format. Nothing in it holds a line end. */
export interface Told {
  readonly severity: Severity | undefined
  readonly headline: string
  /** Names of ours, with values that may be anything. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  /** What clients sent: untrusted, to be shown as it is. */
  readonly samples: readonly string[]
  /** Lines of a digest. */
  readonly items: readonly string[]
  /** What is not shown, when anything is not. */
  readonly more: string | undefined
}

const VERBS: Readonly<Record<string, string>> = {
  'incident.opened': 'New incident',
  'incident.raised': 'More severe',
  'incident.reopened': 'Open again',
  'incident.resolved': 'Over',
  'incident.escalated': 'Escalated',
  'approval.requested': 'May this be answered',
}

const verbOf = (event: string): string => VERBS[event] ?? event.replace(/^incident\./, '')

/** Words an announcement for people. */
export function tell(announcement: Announcement): Told {
  if ('incident' in announcement) return tellIncident(announcement)
  if ('digest' in announcement) return tellDigest(announcement)
  return {
    severity: undefined,
    headline: 'Test of this alert channel',
    facts: [['sent', announcement.timestamp]],
    samples: [],
    items: [],
    more: undefined,
  }
}

function tellIncident({ event, timestamp, incident, question }: IncidentAnnouncement): Told {
  const { id, title, severity, state, count, assignee, issues, evidence } = incident
  return {
    severity,
    headline: `${verbOf(event)}: ${oneLine(title, TITLE_LENGTH)}`,
    facts: [
      ...(question === undefined
        ? []
        : ([
            ['answer', oneLine(question.action, 300)],
            ['asked by', oneLine(question.by, 100)],
            ['until', question.until],
            ['question', question.id],
          ] as const)),
      ['severity', severity],
      ['state', state.replaceAll('_', ' ')],
      ['detections', String(count)],
      ...(assignee === undefined ? [] : [['assigned to', oneLine(assignee, 100)] as const]),
      ...issues.slice(0, 5).map(({ tracker, key }) => [`issue in ${tracker}`, oneLine(key, 100)] as const),
      ['time', timestamp],
      ['incident', id],
    ],
    samples: evidence.map(({ summary }) => oneLine(summary, SAMPLE_LENGTH)),
    items: [],
    more: undefined,
  }
}

function tellDigest({ timestamp, digest }: DigestAnnouncement): Told {
  const { count, incidents, by_severity, listed } = digest
  const [first] = listed
  const counts = Object.entries(by_severity).map(([severity, number]) => `${number} ${severity}`)
  const left = incidents - listed.length
  return {
    severity: first?.incident.severity,
    headline: `${incidents} ${incidents === 1 ? 'incident' : 'incidents'} since the last message`,
    facts: [
      ['severities', counts.join(', ')],
      ['announcements held back', String(count)],
      ['time', timestamp],
    ],
    samples: [],
    items: listed.map(
      ({ event, incident }) =>
        `${incident.severity}: ${oneLine(incident.title, 100)} (${verbOf(event)}, ${incident.count}×)`,
    ),
    more: left > 0 ? `and ${left} more` : undefined,
  }
}
