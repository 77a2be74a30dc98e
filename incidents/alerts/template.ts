import { z } from 'zod'
import { oneLine } from '../visible.js'
import type { Announcement } from './announcement.js'

const FIELDS = ['event', 'severity', 'state', 'title', 'count', 'id', 'time', 'sample'] as const
type Field = (typeof FIELDS)[number]

const KNOWN: ReadonlySet<string> = new Set(FIELDS)
/** Bounded, so that it is linear. */
const PLACEHOLDER = /\{\{([^{}]{0,40})\}\}/g

const unknownField = (text: string): string | undefined =>
  [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name).find((name) => !KNOWN.has(name))

/** A text of the operator's own, in the markup of the channel. */
export const messageTemplate = z
  .string()
  .min(1)
  .max(2000)
  .refine((text) => unknownField(text) === undefined, {
    error: (issue) => `{{${unknownField(String(issue.input)) ?? ''}}} is none of ${FIELDS.join(', ')}`,
  })
  .describe(
    `Text of a message about one incident, in the markup of the channel, with {{${FIELDS.join('}}, {{')}}}; what is put in is ` +
      'escaped. A message that becomes too long for the channel is sent in our own words. Default: those.',
  )

/**
 * An announcement by the operator's template; what is put in is escaped and cannot hold another placeholder.
 *
 * @param limit characters that the channel takes
 * @returns undefined without a template, for announcements that are not of one incident, and for a text that is too long: our
 *   own words, which always fit, take its place
 */
export function fillTemplate(
  template: string | undefined,
  announcement: Announcement,
  escape: (text: string) => string,
  limit: number,
): string | undefined {
  if (template === undefined || !('incident' in announcement)) return undefined
  const { event, timestamp, incident } = announcement
  const values: Readonly<Record<Field, string>> = {
    event,
    severity: incident.severity,
    state: incident.state,
    title: oneLine(incident.title, 200),
    count: String(incident.count),
    id: incident.id,
    time: timestamp,
    sample: oneLine(incident.evidence.at(-1)?.summary ?? '', 300),
  }
  const text = template.replace(PLACEHOLDER, (_, name: Field) => escape(values[name]))
  return text.length <= limit ? text : undefined
}
