import { z } from 'zod'
import { INCIDENT_STATES } from '../incident.js'
import { MAX_ASSIGNEE, MAX_COMMENT } from '../lifecycle.js'

export const severity = z.enum(['info', 'low', 'medium', 'high', 'critical'])
export const state = z.enum(INCIDENT_STATES)

export const issue = z.strictObject({
  tracker: z.string(),
  id: z.string(),
  key: z.string(),
  url: z.string(),
  delivery: z.literal('at-least-once').optional().describe('There may be a second issue of this incident.'),
})

const time = z.int().describe('Milliseconds since the Unix epoch.')

/** An incident as lists show it. */
export const incidentSummary = z.strictObject({
  id: z.string(),
  state,
  severity,
  title: z.string(),
  count: z.int().describe('Detections so far.'),
  first_seen: time,
  last_seen: time,
  assignee: z.string().optional(),
  issues: z.array(issue),
})

export const incident = incidentSummary.extend({
  fingerprint: z.string(),
  evidence: z
    .array(z.looseObject({ event: z.string(), time, summary: z.string() }))
    .describe('The first and the latest events. It holds what clients sent: escape it.'),
  storm: z
    .looseObject({ matters: z.int() })
    .optional()
    .describe('Set when the incident stands for many kinds of detections.'),
  session: z.string().describe('Name of its latest session in the ledger.'),
  work: z.int().describe('What follows from it and waits: issues, runs, alerts, commands, timers.'),
})

export const timelineItem = z.strictObject({
  number: z.int(),
  time,
  kind: z.string().describe('Kind of the ledger’s entry.'),
  entry: z.string().describe('Id of the ledger’s entry.'),
  facts: z.record(z.string(), z.unknown()),
  text: z.string().optional().describe('Of a comment.'),
})

export const work = z.strictObject({
  id: z.string(),
  incident: z.string(),
  kind: z.string(),
  target: z.string(),
  state: z.enum(['waiting', 'dead']),
  attempt: z.int(),
  due: time,
  died: time.optional().describe('When it was given up.'),
  last_error: z.string().optional(),
})

export const newIncident = z.strictObject({
  title: z.string().min(1).max(200),
  severity: severity.default('medium'),
  summary: z.string().min(1).max(500),
})

export const incidentChange = z
  .strictObject({
    state: state.optional(),
    assignee: z.string().min(1).max(MAX_ASSIGNEE).optional(),
    reason: z.string().max(1000).optional(),
  })
  .refine(({ state, assignee }) => state !== undefined || assignee !== undefined, 'nothing is to be changed')

export const newComment = z.strictObject({ text: z.string().min(1).max(MAX_COMMENT) })

const decimal = z.string().regex(/^\d{1,9}$/, 'is not a number')

export const listQuery = z.strictObject({
  state: state.optional(),
  severity: severity.optional().describe('This or above.'),
  before: z.string().max(100).optional().describe('The `next` of the answer before.'),
  limit: decimal.optional().describe('1 to 500; default 100.'),
})

export const timelineQuery = z.strictObject({
  after: decimal.optional().describe('The `next` of the answer before.'),
  limit: decimal.optional().describe('1 to 500; default 100.'),
})

export const workQuery = z.strictObject({
  state: z.enum(['waiting', 'dead']).optional(),
  kind: z.string().max(64).optional().describe('Only this kind, e.g. `alert`.'),
  after: z.string().max(100).optional().describe('The `next` of the answer before.'),
})
