import type { Agent, Dispatch, Dispatched } from '../agent.js'
import { readResult } from '../command/output.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import type { AgentHttp, HttpAnswer } from '../http.js'
import { messageFor } from '../prompt.js'
import type { RunResult } from '../run.js'

/** Said of a task that an earlier call made. */
const KNOWN: ReadonlySet<string> = new Set(['TASK_CONFLICT', 'TASK_COMPLETED'])

/** An agent of OpenMCP-Chain, which is given a task there and asked for its result until there is one. */
export class OpenMcpAgent implements Agent {
  readonly type = 'openmcp'
  readonly id: string

  constructor(
    readonly config: AgentConfigOf<'openmcp'>,
    readonly http: AgentHttp,
  ) {
    this.id = config.id
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { run, incident } = dispatch
    // The id makes it one task however often it is sent; the goal is the one place for words.
    const body = { id: run, goal: messageFor(dispatch, false), metadata: { source: 'portcullis', incident } }
    const answer = await this.http.request('/api/v1/tasks', JSON.stringify(body), signal)
    if (answer.status < 300 || KNOWN.has(codeOf(answer) ?? ''))
      return { kind: 'accepted', external: text(answer.json?.['task_id']) ?? run }
    throw this.http.refused(answer)
  }

  async poll(
    { id, external = id }: { readonly id: string; readonly external?: string },
    signal: AbortSignal,
  ): Promise<RunResult | undefined> {
    const answer = await this.http.request(`/api/v1/tasks/${encodeURIComponent(external)}`, undefined, signal)
    const { status, json } = answer
    if (codeOf(answer) === 'TASK_NOT_FOUND') return failed(id, 'the task is not there any more')
    if (status >= 300) throw this.http.refused(answer)
    switch (json?.['status']) {
      case 'failed':
        return failed(id, text(json['last_error']) ?? 'the task failed')
      case 'succeeded':
        return resultOf(id, json['result'])
      case 'pending':
      case 'running':
        return undefined
      default:
        throw new AgentError('AGENT_ANSWER', `${this.id} answered with something that is no task`, {
          retryable: true,
        })
    }
  }

  async close(): Promise<void> {
    await this.http.close()
  }
}

function resultOf(run: string, result: unknown): RunResult {
  const reply =
    typeof result === 'object' && result !== null && 'reply' in result ? text(result.reply) : undefined
  try {
    return readResult(reply ?? '', run)
  } catch (error) {
    if (error instanceof AgentError) return failed(run, error.message)
    throw error
  }
}

const failed = (run: string, summary: string): RunResult => ({
  run_id: run,
  status: 'failed',
  summary: summary.slice(0, 1000),
  proposed_actions: [],
})

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const codeOf = ({ status, json }: HttpAnswer): string | undefined =>
  status >= 300 ? text(json?.['code']) : undefined
