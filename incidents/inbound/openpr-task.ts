import { z } from 'zod'
import { parseAs, type Notice } from './notice.js'

const id = z.string().min(1).max(100)
const words = z.string().max(1000)

const dispatch = z.object({
  task_id: id,
  ai_participant_id: id,
  ai_participant_name: words.nullish(),
  ai_participant_agent_type: words.nullish(),
  task_type: words,
  reference_type: words.nullish(),
  reference_id: id.nullish(),
  attempts: z.int().min(0),
})

/** Whether a body is an AI task that OpenPR's worker hands to a bot; it goes to the address of the bot's webhook. */
export const isTaskDispatch = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'task_id' in body && !('event' in body)

/** Reads an AI task. Unlike events it has neither an id nor a time of its own. @throws WebhookError `WEBHOOK_MALFORMED` */
export function readTaskDispatch(body: unknown): Notice {
  const sent = parseAs(dispatch, body)
  const { task_id, ai_participant_id: bot, reference_id, task_type } = sent
  const issue = sent.reference_type === 'work_item' ? reference_id : undefined
  return {
    // OpenPR counts how often it hands a task over.
    id: `task ${task_id} ${sent.attempts}`,
    time: undefined,
    event: 'ai.task',
    actor: { id: '', name: '' },
    ...(issue && { issue: { id: issue } }),
    task: {
      bot_id: bot,
      bot_name: sent.ai_participant_name ?? '',
      bot_agent_type: sent.ai_participant_agent_type ?? 'openclaw',
      // An assignment is told of by an event as well.
      cause: issue && task_type === 'issue_assigned' ? `assigned ${issue} ${bot}` : `task ${task_id}`,
      ai_task: task_id,
    },
  }
}
