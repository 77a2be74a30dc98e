import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { IncidentState } from '../incident.js'
import type { GitHubConfig } from '../trackers/config.js'
import { WebhookError } from './errors.js'
import { headerOf, parseAs, type Notice, type NoticeParser } from './notice.js'

const time = z.iso.datetime({ offset: true })
const login = z.string().min(1).max(100)

const body = z.object({
  action: z.string().max(100).optional(),
  zen: z.string().optional(),
  repository: z.object({ full_name: z.string().max(200) }).optional(),
  sender: z.object({ login }).optional(),
  issue: z
    .object({
      number: z.number().int().positive(),
      body: z.string().nullish(),
      state: z.string().max(20),
      state_reason: z.string().max(40).nullish(),
      updated_at: time,
      pull_request: z.unknown().optional(),
    })
    .optional(),
  comment: z.object({ body: z.string().nullish(), updated_at: time }).optional(),
})

/**
 * Reads GitHub's webhooks. GitHub signs neither the id of a delivery nor its time nor the name of the event, all of which
 * stand in headers: what is signed is known again by its digest, its time is that of the issue or comment, and which event
 * it is follows from what is in it.
 */
export const githubParser =
  (config: GitHubConfig): NoticeParser =>
  (json, raw, headers) => {
    const sent = parseAs(body, json)
    const id = createHash('sha256').update(raw).digest('hex')
    const event = sent.comment ? 'issue_comment' : sent.issue ? 'issues' : 'other'
    const claimed = headerOf(headers, 'x-github-event')
    if (event !== 'other' && claimed !== event)
      throw new WebhookError('WEBHOOK_MALFORMED', `X-GitHub-Event is not ${event}, which the body is`)
    const at = sent.comment?.updated_at ?? sent.issue?.updated_at
    const notice: Notice = {
      id,
      // Without an issue nothing follows from it, whenever it was made.
      time: at === undefined ? undefined : Date.parse(at),
      event: `${event === 'other' ? (claimed ?? event).slice(0, 100) : event}.${sent.action ?? ''}`,
      actor: { id: sent.sender?.login ?? '', name: sent.sender?.login ?? '' },
    }
    const { issue, comment, repository } = sent
    if (!issue) return { ...notice, unknown: claimed !== 'ping' }
    if (issue.pull_request !== undefined) return notice
    if (repository?.full_name.toLowerCase() !== config.project.toLowerCase()) return notice
    const about: Notice = { ...notice, issue: { id: String(issue.number), text: issue.body ?? '' } }
    if (comment)
      return sent.action === 'created'
        ? { ...about, change: { type: 'comment', text: comment.body ?? '' } }
        : about
    if (sent.action === 'deleted') return { ...about, change: { type: 'deleted' } }
    if (sent.action === 'closed' || sent.action === 'reopened')
      return { ...about, change: { type: 'state', state: stateOf(issue.state, issue.state_reason) } }
    return about
  }

const stateOf = (state: string, reason: string | null | undefined): IncidentState =>
  state !== 'closed' ? 'open' : reason === 'not_planned' ? 'false_positive' : 'resolved'
