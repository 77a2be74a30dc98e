import { z } from 'zod'
import type { HttpTrackerConfig, TeamBoardConfig } from '../trackers/config.js'
import { WebhookError } from './errors.js'
import { headerOf, parseAs, type Notice, type NoticeParser } from './notice.js'
import { stateFrom } from './tracker-state.js'

const word = z.string().min(1).max(200)

const body = z.object({
  id: word,
  timestamp: z.iso.datetime({ offset: true }),
  event: word,
  actor: z.string().max(200).default(''),
  issue: z.object({ id: word, state: z.string().max(64).optional() }),
  comment: z.object({ text: z.string().max(1_000_000) }).optional(),
})

/**
 * Reads the webhooks of trackers that have none of their own, in a form of ours that a rule or script on their side can send:
 * signed like OpenPR's, `issue.state_changed` and `comment.created`.
 */
export const plainParser =
  (config: HttpTrackerConfig | TeamBoardConfig): NoticeParser =>
  (json, _raw, headers) => {
    const { id, timestamp, event, actor, issue, comment } = parseAs(body, json)
    const header = headerOf(headers, 'x-webhook-delivery')
    if (header !== undefined && header !== id)
      throw new WebhookError('WEBHOOK_MALFORMED', 'X-Webhook-Delivery is not the id of the body')
    const notice: Notice = {
      id,
      time: Date.parse(timestamp),
      event,
      actor: { id: actor, name: actor },
      issue: { id: issue.id },
    }
    if (event === 'comment.created' && comment)
      return { ...notice, change: { type: 'comment', text: comment.text } }
    if (event !== 'issue.state_changed') return { ...notice, unknown: true }
    const state = stateFrom(issue.state ?? '', config.states)
    return { ...notice, ...(state && { change: { type: 'state', state } }) }
  }
