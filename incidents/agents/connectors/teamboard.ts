import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import type { AgentHttp } from '../http.js'
import { messageFor } from '../prompt.js'
import type { RunResult } from '../run.js'

/** Pause after "Agent is busy", which says nothing of when it will not be. */
const PAUSE_MS = 30_000

/** An agent of a Team Board, which is assigned a task there and posts its result to us. */
export class TeamBoardAgent implements Agent {
  readonly type = 'teamboard'
  readonly id: string
  readonly #path: string

  constructor(
    readonly config: AgentConfigOf<'teamboard'>,
    readonly http: AgentHttp,
  ) {
    this.id = config.id
    this.#path = `/agents/${config.agent_id}/assign`
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { tracker } = this.config
    const task = dispatch.issues.find((issue) => issue.tracker === tracker)?.id ?? dispatch.run
    const body = JSON.stringify({ task_id: task, prompt: messageFor(dispatch, true) })
    const answer = await this.http.request(this.#path, body, signal)
    const { status, json, text } = answer
    if (status >= 200 && status < 300) return { kind: 'accepted', external: task }
    const detail = typeof json?.['detail'] === 'string' ? json['detail'] : text
    if (status === 400 && /\bdisabled\b/i.test(detail))
      throw new AgentError('AGENT_DISABLED', `${this.id} is disabled on the Team Board`)
    if (status === 429 || (status === 400 && /\bbusy\b/i.test(detail))) {
      // An earlier call may have reached it: then it is busy with this very run. The deadline minds the rest.
      if (dispatch.resumed && this.config.max_concurrent === 1) return { kind: 'accepted', external: task }
      return { kind: 'busy', retry_after_ms: answer.retryAfterMs ?? PAUSE_MS, reason: `${this.id} is busy` }
    }
    throw this.http.refused(answer)
  }

  /** Nobody else calls it back: without this the agent would stay busy there for ever. */
  async finish(
    { id, external = id }: { readonly id: string; readonly external?: string },
    { status, summary }: RunResult,
    signal: AbortSignal,
  ): Promise<void> {
    const body = JSON.stringify({ sessionKey: `task:${external}`, status, result: summary })
    const answer = await this.http.request('/agents/callback', body, signal)
    if (answer.status >= 300) throw this.http.refused(answer)
  }

  async close(): Promise<void> {
    await this.http.close()
  }
}
