import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { trackerServer, type FakeAnswer, type FakeRequest, type TrackerServer } from './tracker-server.js'

interface AiTask {
  readonly id: string
  readonly key: string
  readonly payload: Record<string, unknown>
  state: string
}

export interface FakeAiTasks extends TrackerServer {
  readonly tasks: AiTask[]
}

/** OpenPR's AI tasks: every answer is HTTP 200, what went wrong is in `code`. */
export async function fakeAiTasks(t: Test, token: string): Promise<FakeAiTasks> {
  const tasks: AiTask[] = []
  const say = (code: number, message: string, data: unknown = null): FakeAnswer => ({
    status: 200,
    json: { code, message, data },
  })
  const handle = ({ path, headers, body }: FakeRequest): FakeAnswer => {
    if (headers.authorization !== `Bearer ${token}`) return say(401, '未授权')
    const fields = body as Record<string, unknown>
    const [, id, verb] =
      /^\/api\/v1\/ai\/callbacks\/task\/([^/]+)\/(complete|fail|progress)$/.exec(path) ?? []
    if (verb !== undefined) {
      const task = tasks.find((one) => one.id === id)
      if (!task) return say(404, '任务不存在')
      if (task.state === 'completed' || task.state === 'failed') return say(409, '任务已结束')
      if (verb !== 'progress') task.state = verb === 'complete' ? 'completed' : 'failed'
      return say(0, 'success', { id })
    }
    if (!/^\/api\/v1\/projects\/[0-9a-f-]{36}\/ai\/tasks$/.test(path)) return { status: 404, json: {} }
    const key = String(fields['idempotency_key'])
    if (tasks.some((one) => one.key === key)) return say(409, '重复的任务')
    const task: AiTask = {
      id: randomUUID(),
      key,
      payload: fields['payload'] as Record<string, unknown>,
      state: 'pending',
    }
    tasks.push(task)
    return say(0, 'success', { id: task.id, state: task.state })
  }
  const server = await trackerServer(t, { handle, failure: (status) => say(status, '失败') })
  return { ...server, tasks }
}
