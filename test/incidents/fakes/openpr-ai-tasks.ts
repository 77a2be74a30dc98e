import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { envelope, page, Refusal, refusalFor } from './openpr-envelope.js'
import { postSigned } from './signed-post.js'
import { trackerServer, type FakeRequest, type TrackerServer } from './tracker-server.js'

export interface AiTask {
  readonly id: string
  readonly key: string | undefined
  readonly participant: string
  readonly type: string
  readonly reference: { readonly type: string; readonly id: string } | undefined
  readonly payload: Record<string, unknown>
  readonly priority: number
  readonly max_attempts: number
  attempts: number
  status: 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled'
  result?: unknown
  error?: string
}

/** Somebody who calls the interface. */
export interface Caller {
  readonly id: string
  /** An admin or owner of the project: nobody else makes tasks. */
  readonly admin: boolean
}

const TASK_TYPES = ['issue_assigned', 'review_requested', 'comment_requested', 'vote_requested']

/** The AI tasks of OpenPR's projects with their rules, and the worker that hands them to bots. */
export class AiTasks {
  readonly tasks: AiTask[] = []
  readonly progress: { readonly task: string; readonly body: unknown }[] = []

  /** A new task; undefined when its key is known. */
  add(task: Omit<AiTask, 'id' | 'attempts' | 'status'>): AiTask | undefined {
    if (task.key !== undefined && this.tasks.some(({ key }) => key === task.key)) return undefined
    const added: AiTask = { ...task, id: randomUUID(), attempts: 0, status: 'pending' }
    this.tasks.push(added)
    return added
  }

  /** The `data` of an answer. @throws Refusal */
  answer({ method, path, query, body }: FakeRequest, caller: Caller): unknown {
    const fields = (body ?? {}) as Record<string, unknown>
    const [, id, verb] =
      /^\/api\/v1\/ai\/callbacks\/task\/([^/]+)\/(complete|fail|progress)$/.exec(path) ?? []
    if (verb !== undefined) {
      const task = this.tasks.find((one) => one.id === id)
      if (!task) throw new Refusal(404, 'ai task not found', '任务不存在')
      if (task.participant !== caller.id)
        throw new Refusal(403, 'task can only be updated by assigned ai participant')
      return this.#call(task, verb, fields)
    }
    if (!/^\/api\/v1\/projects\/[0-9a-f-]{36}\/ai\/tasks$/.test(path)) throw new Refusal(404, 'not found')
    if (method === 'GET') {
      const newest = this.tasks.toReversed().toSorted((a, b) => b.priority - a.priority)
      return page(newest.map(view), query)
    }
    if (!caller.admin) throw new Refusal(403, 'admin or owner required')
    if (!TASK_TYPES.includes(String(fields['task_type']))) throw new Refusal(400, 'invalid task_type')
    const type = fields['reference_type'] as string | undefined
    if (type !== undefined && !['work_item', 'proposal', 'comment'].includes(type))
      throw new Refusal(400, 'invalid reference_type')
    const task = this.add({
      key: fields['idempotency_key'] as string | undefined,
      participant: String(fields['ai_participant_id']),
      type: String(fields['task_type']),
      reference: type === undefined ? undefined : { type, id: String(fields['reference_id']) },
      payload: (fields['payload'] ?? {}) as Record<string, unknown>,
      priority: Number(fields['priority'] ?? 0),
      max_attempts: Number(fields['max_attempts'] ?? 3),
    })
    if (!task) throw new Refusal(409, 'idempotency key already exists', '重复的任务')
    return view(task)
  }

  /** One round of the worker: each task that waits is handed to its bot, or has failed once more. */
  async work(
    hookOf: (
      bot: string,
    ) =>
      | { readonly url: string; readonly secret: string; readonly name: string; readonly agent_type: string }
      | undefined,
  ): Promise<readonly { readonly status: number; readonly body: string }[]> {
    const answers = []
    for (const task of this.tasks.filter(({ status }) => status === 'pending')) {
      task.status = 'processing'
      task.attempts++
      const hook = hookOf(task.participant)
      const answer = hook
        ? await postSigned(hook.url, hook.secret, {
            task_id: task.id,
            project_id: randomUUID(),
            ai_participant_id: task.participant,
            ai_participant_name: hook.name,
            ai_participant_agent_type: hook.agent_type,
            task_type: task.type,
            reference_type: task.reference?.type ?? null,
            reference_id: task.reference?.id ?? null,
            payload: task.payload,
            attempts: task.attempts,
            max_attempts: task.max_attempts,
            trigger_kind: task.type === 'issue_assigned' ? 'assigned' : 'mention',
          })
        : { status: 0, body: 'no active webhook found' }
      if (answer.status < 200 || answer.status > 299)
        task.status = task.attempts < task.max_attempts ? 'pending' : 'failed'
      answers.push(answer)
    }
    return answers
  }

  #call(task: AiTask, verb: string, fields: Record<string, unknown>): unknown {
    if (verb === 'progress') {
      this.progress.push({ task: task.id, body: fields })
      return null
    }
    if (verb === 'complete') {
      if (task.status !== 'processing') throw new Refusal(400, 'task is not in processing status')
      Object.assign(task, { status: 'completed', result: fields })
    } else {
      if (task.status !== 'processing' && task.status !== 'pending')
        throw new Refusal(400, 'task cannot be failed in current status', '任务已结束')
      const again = task.attempts < task.max_attempts
      Object.assign(task, { status: again ? 'pending' : 'failed', error: String(fields['error_message']) })
    }
    return view(task)
  }
}

/** The key is told to nobody. */
const view = ({ id, participant, type, reference, payload, status, result, error, ...task }: AiTask) => ({
  id,
  ai_participant_id: participant,
  task_type: type,
  reference_type: reference?.type ?? null,
  reference_id: reference?.id ?? null,
  status,
  priority: task.priority,
  payload,
  result: result ?? null,
  error_message: error ?? null,
  attempts: task.attempts,
  max_attempts: task.max_attempts,
})

export interface FakeAiTasks extends TrackerServer {
  readonly table: AiTasks
  readonly tasks: AiTask[]
}

/** OpenPR with AI tasks only: an admin's token, and one for each participant that is called `bot-ID`. */
export async function fakeAiTasks(t: Test, token: string): Promise<FakeAiTasks> {
  const table = new AiTasks()
  const server = await trackerServer(t, {
    handle: (request) => {
      const given = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
      const admin = given === token
      try {
        if (!admin && !given.startsWith('bot-')) throw new Refusal(401, 'invalid access token', '未授权')
        const data = table.answer(request, { id: given.replace(/^bot-/, ''), admin })
        return envelope(request, { code: 0, message: 'success', data })
      } catch (error) {
        return envelope(request, error)
      }
    },
    failure: (status, request) => envelope(request, refusalFor(status)),
  })
  return { ...server, table, tasks: table.tasks }
}
