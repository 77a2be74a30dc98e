import type { Test } from 'tap'
import { trackerServer, type FakeAnswer, type FakeRequest, type TrackerServer } from './tracker-server.js'

interface FakeTask {
  readonly id: string
  readonly goal: string
  status: 'pending' | 'running' | 'succeeded' | 'failed'
  reply?: string
}

export interface FakeOpenMcp extends TrackerServer {
  readonly tasks: FakeTask[]
}

/** OpenMCP-Chain's tasks: made under the caller's id, `task_id` when made and `id` when read. */
export async function fakeOpenMcp(t: Test): Promise<FakeOpenMcp> {
  const tasks: FakeTask[] = []
  const refuse = (status: number, code: string): FakeAnswer => ({ status, json: { code, message: code } })
  const handle = ({ method, path, body }: FakeRequest): FakeAnswer => {
    if (method === 'POST' && path === '/api/v1/tasks') {
      const { id, goal } = body as { id: string; goal?: string }
      if (!goal) return refuse(400, 'INVALID_ARGUMENT')
      if (tasks.some((task) => task.id === id)) return refuse(409, 'TASK_CONFLICT')
      tasks.push({ id, goal, status: 'pending' })
      return { status: 201, json: { task_id: id, status: 'pending', attempts: 0, max_retries: 3, goal } }
    }
    const task = tasks.find(({ id }) => path === `/api/v1/tasks/${id}`)
    if (!task) return refuse(404, 'TASK_NOT_FOUND')
    const { id, status, reply } = task
    return {
      status: 200,
      json: {
        id,
        status,
        attempts: 1,
        max_retries: 3,
        ...(reply !== undefined && { result: { thought: '', reply } }),
      },
    }
  }
  const server = await trackerServer(t, {
    handle,
    failure: (status) => refuse(status, 'TASK_PROCESSING_FAILED'),
  })
  return { ...server, tasks }
}
