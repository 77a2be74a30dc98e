import type { Test } from 'tap'
import { trackerServer, type FakeAnswer, type FakeRequest, type TrackerServer } from './tracker-server.js'

export interface FakeBoardAgent {
  max_concurrent: number
  current_tasks: number
  is_enabled: boolean
}

export interface FakeTeamBoardAgents extends TrackerServer {
  readonly agent: FakeBoardAgent
  readonly assigned: { readonly task_id: string; readonly prompt: string }[]
  readonly callbacks: Record<string, unknown>[]
}

/** The agents service of a Team Board with one agent, `fixer`. Nothing but a callback makes it free again. */
export async function fakeTeamBoardAgents(t: Test): Promise<FakeTeamBoardAgents> {
  const agent: FakeBoardAgent = { max_concurrent: 1, current_tasks: 0, is_enabled: true }
  const assigned: { task_id: string; prompt: string }[] = []
  const callbacks: Record<string, unknown>[] = []
  const refuse = (status: number, detail: string): FakeAnswer => ({ status, json: { detail } })
  const handle = ({ path, body }: FakeRequest): FakeAnswer => {
    const fields = body as Record<string, unknown>
    if (path === '/agents/callback') {
      if (typeof fields['sessionKey'] !== 'string') return refuse(422, 'sessionKey required')
      callbacks.push(fields)
      agent.current_tasks = Math.max(0, agent.current_tasks - 1)
      return { status: 200, json: { ok: true } }
    }
    if (path !== '/agents/fixer/assign') return refuse(404, 'Agent not found')
    if (!agent.is_enabled) return refuse(400, 'Agent is disabled')
    if (agent.current_tasks >= agent.max_concurrent) return refuse(400, 'Agent is busy')
    agent.current_tasks++
    assigned.push({ task_id: String(fields['task_id']), prompt: String(fields['prompt']) })
    return { status: 200, json: { status: 'assigned' } }
  }
  const server = await trackerServer(t, { handle, failure: (status) => refuse(status, 'failed') })
  return { ...server, agent, assigned, callbacks }
}
