import { z } from 'zod'
import type { OpenPrConfig } from '../trackers/config.js'
import { WebhookError } from './errors.js'
import { isTaskDispatch, readTaskDispatch } from './openpr-task.js'
import { headerOf, parseAs, type BotTask, type Notice, type NoticeParser } from './notice.js'
import { stateAfter } from './tracker-state.js'

const id = z.string().min(1).max(100)
const words = z.string().max(1000)
const text = z.string().max(1_000_000)

const summary = z.object({ id, key: words.optional(), title: text.optional() })
const issue = summary.extend({
  description: text.nullish(),
  state: words.optional(),
  assignee_ids: z.array(id).max(1000).default([]),
})
const comment = z.object({
  id,
  content: text.optional(),
  author_id: id.nullish(),
  author_name: words.nullish(),
})

const ofIssue = z.object({ issue })
const ofChangedIssue = z.object({ issue, changes: z.record(words, z.unknown()).default({}) })
const stateChange = z.object({ old: words.nullish(), new: words })
const ofComment = z.object({ comment, issue: summary, mentions: z.array(id).max(1000).default([]) })
const ofLabel = z.object({ issue: summary, label: z.object({ id, name: words }) })
const ofSprint = z.object({ sprint: z.object({ id, name: words, status: words }) })
/** What these tell is told nowhere. */
const free = z.record(z.string(), z.unknown())

/** The events that OpenPR has. Webhooks can be created for those up to the AI tasks; it sends no others yet. */
export const OPENPR_EVENTS = {
  'issue.created': ofIssue,
  'issue.updated': ofChangedIssue,
  'issue.assigned': ofChangedIssue,
  'issue.state_changed': ofChangedIssue,
  'issue.deleted': ofIssue,
  'comment.created': ofComment,
  'comment.updated': ofComment,
  'comment.deleted': ofComment,
  'label.added': ofLabel,
  'label.removed': ofLabel,
  'sprint.started': ofSprint,
  'sprint.completed': ofSprint,
  'ai.task_completed': free,
  'ai.task_failed': free,
  'project.created': free,
  'project.updated': free,
  'project.deleted': free,
  'member.added': free,
  'member.removed': free,
  'proposal.created': free,
  'proposal.updated': free,
  'proposal.deleted': free,
  'proposal.submitted': free,
  'proposal.voting_started': free,
  'proposal.archived': free,
  'proposal.vote_cast': free,
  'veto.exercised': free,
  'veto.withdrawn': free,
  'escalation.started': free,
  'appeal.created': free,
  'governance_config.updated': free,
} as const

type OpenPrEvent = keyof typeof OPENPR_EVENTS

const envelope = z.object({
  id,
  event: z.string().min(1).max(100),
  timestamp: z.iso.datetime({ offset: true }),
  project: z.object({ id }),
  actor: z.object({ id, name: words, entity_type: words }),
  data: z.unknown(),
  bot_context: z
    .object({
      is_bot_task: z.boolean(),
      bot_id: id,
      bot_name: words,
      bot_agent_type: words.default('openclaw'),
    })
    .nullish(),
})

const isKnown = (event: string): event is OpenPrEvent => Object.hasOwn(OPENPR_EVENTS, event)

/** Reads OpenPR's webhooks, and the AI tasks that come to the same address. */
export const openprParser =
  (config: OpenPrConfig): NoticeParser =>
  (body, _raw, headers) => {
    if (isTaskDispatch(body)) return readTaskDispatch(body)
    const sent = parseAs(envelope, body)
    // The signed id counts; a header that differs was put there by somebody else.
    if (headerOf(headers, 'x-webhook-delivery') !== sent.id)
      throw new WebhookError('WEBHOOK_MALFORMED', 'X-Webhook-Delivery is not the id of the body')
    const notice: Notice = {
      id: sent.id,
      time: Date.parse(sent.timestamp),
      event: sent.event,
      actor: { id: sent.actor.id, name: sent.actor.name },
    }
    if (!isKnown(sent.event)) return { ...notice, unknown: true }
    const task = taskOf(sent)
    return { ...notice, ...contentOf(sent.event, sent.data, config), ...(task && { task }) }
  }

function contentOf(event: OpenPrEvent, data: unknown, config: OpenPrConfig): Partial<Notice> {
  const schema = OPENPR_EVENTS[event]
  if (schema === ofIssue || schema === ofChangedIssue) {
    const about = parseAs(ofChangedIssue, data)
    const base = { issue: { id: about.issue.id, text: about.issue.description ?? '' } }
    if (event === 'issue.deleted') return { ...base, change: { type: 'deleted' } }
    const moved = stateChange.safeParse(about.changes['state']).data
    const state = moved && stateAfter(moved.old ?? '', moved.new, config.states)
    return { ...base, ...(state && { change: { type: 'state', state } }) }
  }
  if (schema === ofComment) {
    const about = parseAs(ofComment, data)
    return {
      issue: { id: about.issue.id },
      ...(event === 'comment.created' &&
        about.comment.content !== undefined && { change: { type: 'comment', text: about.comment.content } }),
    }
  }
  if (schema === ofLabel) return { issue: { id: parseAs(ofLabel, data).issue.id } }
  parseAs<unknown>(schema, data)
  return {}
}

/**
 * New work for a bot: it was given an issue, or called by a comment. OpenPR marks as a bot's task whatever happens to an
 * issue that a bot has, also what the bot does itself; none of that is new work.
 */
function taskOf({ event, data, bot_context: bot }: z.output<typeof envelope>): BotTask | undefined {
  if (bot?.is_bot_task !== true) return undefined
  const cause = causeOf(event, data, bot.bot_id)
  return cause === undefined
    ? undefined
    : { bot_id: bot.bot_id, bot_name: bot.bot_name, bot_agent_type: bot.bot_agent_type, cause }
}

function causeOf(event: string, data: unknown, bot: string): string | undefined {
  // An issue that is created for a bot is told of as created and as assigned.
  if (event === 'issue.created' || event === 'issue.assigned')
    return `assigned ${parseAs(ofIssue, data).issue.id} ${bot}`
  if (event === 'comment.created') return `mentioned ${parseAs(ofComment, data).comment.id} ${bot}`
  return undefined
}
