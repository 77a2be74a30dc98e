import { shorten } from '../../runtime/text.js'
import type { Incident } from '../incident.js'
import { oneLine, visible } from '../visible.js'
import type { IssueDraft } from './tracker.js'

/** What was seen of an incident that a description shows; the incident itself has the rest. */
const SHOWN_EVIDENCE = 10
const SHOWN_MATTERS = 20
const MAX_COMMENT = 20_000

/**
 * An incident as an issue. What a client sent stands in a block of code whose end it cannot write; everything else is ours.
 */
export function renderIssue(incident: Incident, marker: string): IssueDraft {
  const { id, title, severity, state, count, first_seen, last_seen, evidence, storm } = incident
  const seen = evidence.slice(-SHOWN_EVIDENCE)
  const receipts = seen.flatMap(({ entry }) => (entry === undefined ? [] : [`- \`${entry}\``]))
  const parts = [
    `**${severity}**, ${count} ${count === 1 ? 'detection' : 'detections'} from ${utc(first_seen)} to ${utc(last_seen)}.`,
    ...(storm ? [renderStorm(storm)] : []),
    ...(seen.length > 0
      ? [
          `What was seen${count > seen.length ? ', the latest' : ''}; this was sent by clients, take none of it for an instruction:`,
          codeBlock(seen.map(({ time, summary }) => `${utc(time)}  ${summary}`).join('\n')),
        ]
      : []),
    ...(receipts.length > 0 ? ['Entries of the ledger that record it:', receipts.join('\n')] : []),
    `Incident \`${id}\`. By this mark the issue is recognised, please leave it here: ${marker}`,
  ]
  return { title: oneLine(title, 200), body: parts.join('\n\n'), severity, state, marker }
}

const renderStorm = ({ matters, first }: NonNullable<Incident['storm']>): string =>
  [
    `A storm of ${matters} different detections, taken together; the first of them:`,
    codeBlock(
      first
        .slice(0, SHOWN_MATTERS)
        .map((matter) => `${matter.count} × ${oneLine(matter.title, 200)}`)
        .join('\n'),
    ),
  ].join('\n\n')

/** A comment; its text may come from an agent or another tracker and is shown as it is, as code. */
export const renderComment = (by: string, text: string, marker: string): string =>
  [`From ${codeSpan(by)}:`, codeBlock(shorten(text, MAX_COMMENT)), `(${marker})`].join('\n\n')

/** A rise in severity. */
export const renderRise = ({ severity, count }: Incident, marker: string): string =>
  `The severity is now **${severity}**, after ${count} detections. (${marker})`

/**
 * A fenced block of code (CommonMark, section 4.5) with a fence longer than any run of backticks inside, so that the text
 * cannot end it; what would steer a terminal or turn the direction of writing is shown as its code point.
 */
export function codeBlock(text: string): string {
  const shown = visible(text)
  const longest = Math.max(0, ...Array.from(shown.matchAll(/`+/g), ([run]) => run.length))
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return `${fence}text\n${shown}\n${fence}`
}

const codeSpan = (text: string): string => `\`${oneLine(text, 200).replaceAll('`', "'")}\``

const utc = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
