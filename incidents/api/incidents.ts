import { createHash } from 'node:crypto'
import { z } from 'zod'
import { uuidv7 } from '../../runtime/uuid.js'
import type { Core } from '../core.js'
import { IncidentError } from '../errors.js'
import { atLeast } from '../incident.js'
import type { Incident } from '../incident.js'
import { sessionName } from '../session.js'
import type { Work } from '../work/work.js'
import { json, jsonBody, queryOf } from './message.js'
import type { ApiRequest } from './message.js'
import type { Route } from './route.js'
import * as schemas from './schemas.js'

const MAX_PAGE = 500
const DEFAULT_PAGE = 100
/** Work that one answer shows. */
const MAX_WORK = 1000
/** Pieces of work that one request looks at, whatever it is for. */
const MAX_LOOKED = 10_000

/** Routes about incidents. @param revive takes up a dead letter that waits again; missing while no role runs */
export function incidentRoutes(
  core: Core,
  revive: (work: string) => void = () => undefined,
): readonly Route[] {
  const { store, lifecycle, now } = core
  const byOf = ({ actor }: ApiRequest) => ({ name: actor ?? 'unknown' })
  const idOf = ({ path }: ApiRequest): string => path['id'] ?? ''

  const list: Route = {
    method: 'GET',
    path: '/v1/incidents',
    name: 'listIncidents',
    summary: 'Incidents, newest first',
    access: 'token',
    query: schemas.listQuery,
    answers: {
      200: {
        description: 'A page; `next` when there are more.',
        schema: z.strictObject({ incidents: z.array(schemas.incidentSummary), next: z.string().optional() }),
      },
    },
    problems: [400],
    handle: (request) => {
      const query = queryOf(request, schemas.listQuery)
      const limit = pageOf(query.limit)
      const found: Incident[] = []
      for (const incident of store.list(query.before)) {
        if (query.state !== undefined && incident.state !== query.state) continue
        if (query.severity !== undefined && !atLeast(incident.severity, query.severity)) continue
        found.push(incident)
        if (found.length > limit) break
      }
      const page = found.slice(0, limit)
      const next = found.length > limit ? page.at(-1)?.id : undefined
      return json(200, { incidents: page.map(summaryOf), ...(next !== undefined && { next }) })
    },
  }

  const create: Route = {
    method: 'POST',
    path: '/v1/incidents',
    name: 'openIncident',
    summary: 'Open an incident by hand',
    access: 'token',
    body: schemas.newIncident,
    answers: { 201: { description: 'It is open.', schema: schemas.incident } },
    problems: [400, 413, 415],
    handle: async (request) => {
      const given = jsonBody(request, schemas.newIncident)
      const time = now()
      const id = uuidv7(time)
      const made: Incident = {
        id,
        // Nothing that is detected is the same matter.
        fingerprint: createHash('sha256').update(`by hand ${id}`).digest('hex'),
        title: given.title,
        severity: given.severity,
        state: 'open',
        count: 1,
        first_seen: time,
        last_seen: time,
        evidence: [{ event: id, time, summary: given.summary, subjects: [] }],
        issues: [],
      }
      const by = byOf(request)
      await core.change(() => lifecycle.open(made, time, by, { by: by.name }))
      return json(201, whole(id))
    },
  }

  const show: Route = {
    method: 'GET',
    path: '/v1/incidents/{id}',
    name: 'getIncident',
    summary: 'One incident with its evidence',
    access: 'token',
    answers: { 200: { description: 'The incident.', schema: schemas.incident } },
    problems: [404],
    handle: (request) => json(200, whole(idOf(request))),
  }

  const change: Route = {
    method: 'PATCH',
    path: '/v1/incidents/{id}',
    name: 'changeIncident',
    summary: 'Change its state, or give it to somebody',
    access: 'token',
    body: schemas.incidentChange,
    answers: { 200: { description: 'The incident as it is now.', schema: schemas.incident } },
    problems: [400, 404, 409, 413, 415],
    handle: async (request) => {
      const { state, assignee, reason } = jsonBody(request, schemas.incidentChange)
      const id = idOf(request)
      await core.change(() => {
        // Re-opened first, so that it can be given to somebody; resolved last, for the same reason.
        const reopens = state === 'open'
        if (reopens) lifecycle.setState(id, state, byOf(request), reason)
        if (assignee !== undefined) lifecycle.assign(id, assignee, byOf(request))
        if (state !== undefined && !reopens) lifecycle.setState(id, state, byOf(request), reason)
      })
      return json(200, whole(id))
    },
  }

  const comment: Route = {
    method: 'POST',
    path: '/v1/incidents/{id}/comments',
    name: 'commentOnIncident',
    summary: 'Write about it; its issues in trackers get the comment too',
    access: 'token',
    maxBody: 128 * 1024,
    body: schemas.newComment,
    answers: { 201: { description: 'It is in the timeline.', schema: schemas.incident } },
    problems: [400, 404, 413, 415],
    handle: async (request) => {
      const { text } = jsonBody(request, schemas.newComment)
      const id = idOf(request)
      await core.change(() => lifecycle.comment(id, text, byOf(request)))
      return json(201, whole(id))
    },
  }

  const timeline: Route = {
    method: 'GET',
    path: '/v1/incidents/{id}/timeline',
    name: 'getTimeline',
    summary: 'What happened to it, in order',
    access: 'token',
    query: schemas.timelineQuery,
    answers: {
      200: {
        description: 'A page; `next` when there is more. The ledger has what is not kept here any more.',
        schema: z.strictObject({ items: z.array(schemas.timelineItem), next: z.string().optional() }),
      },
    },
    problems: [400, 404],
    handle: (request) => {
      const { after = '0', limit } = queryOf(request, schemas.timelineQuery)
      const { id } = lifecycle.get(idOf(request))
      const count = pageOf(limit)
      const items = store.timeline.list(id, Number(after), count + 1)
      const page = items.slice(0, count)
      const next = items.length > count ? page.at(-1)?.number : undefined
      return json(200, { items: page, ...(next !== undefined && { next: String(next) }) })
    },
  }

  const sessions: Route = {
    method: 'GET',
    path: '/v1/incidents/{id}/sessions',
    name: 'getSessions',
    summary: 'The sessions of the ledger that record it, in order',
    access: 'token',
    answers: {
      200: {
        description:
          'Names; each later one continues the one before. `open`: the last is not closed yet. `entries` it has so many, those on their way included.',
        schema: z.strictObject({ sessions: z.array(z.string()), open: z.boolean(), entries: z.int() }),
      },
    },
    problems: [404],
    handle: (request) => {
      const { id } = lifecycle.get(idOf(request))
      const session = store.sessions.get(id)
      const names = Array.from({ length: session?.number ?? 0 }, (_, i) => sessionName(id, i + 1))
      return json(200, { sessions: names, open: session?.open ?? false, entries: session?.next ?? 0 })
    },
  }

  const work: Route = {
    method: 'GET',
    path: '/v1/work',
    name: 'listWork',
    summary: 'What follows from incidents and is not done, oldest first',
    access: 'token',
    query: schemas.workQuery,
    answers: {
      200: {
        description: `At most ${MAX_WORK} pieces; \`next\` when there may be more.`,
        schema: z.strictObject({ work: z.array(schemas.work), next: z.string().optional() }),
      },
    },
    problems: [400],
    handle: (request) => {
      const { state, kind, after } = queryOf(request, schemas.workQuery)
      const found: object[] = []
      let looked = 0
      for (const piece of store.work.list({
        ...(state && { state }),
        ...(after !== undefined && { after }),
      })) {
        if ((kind ?? piece.kind) === piece.kind) found.push(workOf(piece))
        if (found.length === MAX_WORK || ++looked === MAX_LOOKED)
          return json(200, { work: found, next: piece.id })
      }
      return json(200, { work: found })
    },
  }

  const again: Route = {
    method: 'POST',
    path: '/v1/work/{id}/retry',
    name: 'retryWork',
    summary: 'Try a dead letter again',
    access: 'token',
    answers: { 202: { description: 'It waits for its turn.', schema: schemas.work } },
    problems: [404, 409],
    handle: async (request) => {
      const id = idOf(request)
      const revived = await core.change(() => {
        const piece = store.work.get(id)
        if (!piece) throw new IncidentError('NOT_FOUND', 'there is no such work')
        if (piece.state !== 'dead') throw new IncidentError('CONFLICT', 'it is no dead letter')
        const { died: _, ...kept } = piece
        const waiting: Work = { ...kept, state: 'waiting', failures: 0, due: now() }
        store.work.put(waiting)
        return waiting
      })
      revive(id)
      return json(202, workOf(revived))
    },
  }

  const whole = (id: string): object => {
    const incident = lifecycle.get(id)
    const session = sessionName(id, store.sessions.get(id)?.number ?? 1)
    return { ...incident, session, work: store.work.waiting(id) }
  }

  return [list, create, show, change, comment, timeline, sessions, work, again]
}

const summaryOf = ({
  id,
  state,
  severity,
  title,
  count,
  first_seen,
  last_seen,
  assignee,
  issues,
}: Incident): object => ({ id, state, severity, title, count, first_seen, last_seen, assignee, issues })

const workOf = ({ id, incident, kind, target, state, attempt, due, died, last_error }: Work): object => ({
  id,
  incident,
  kind,
  target,
  state,
  attempt,
  due,
  died,
  last_error,
})

const pageOf = (limit: string | undefined): number => {
  const count = limit === undefined ? DEFAULT_PAGE : Number(limit)
  if (count < 1 || count > MAX_PAGE) throw new IncidentError('BAD_REQUEST', `limit is from 1 to ${MAX_PAGE}`)
  return count
}
