import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import type { AgentHttp } from '../http.js'
import type { RunResult } from '../run.js'

/** An AI participant of OpenPR, which is given an AI task there and posts its result to us. */
export class OpenPrAgent implements Agent {
  readonly type = 'openpr'
  readonly id: string

  constructor(
    readonly config: AgentConfigOf<'openpr'>,
    readonly http: AgentHttp,
  ) {
    this.id = config.id
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { project, participant, tracker } = this.config
    const { run, incident, deadline, instructions, data, result_url, result_token } = dispatch
    const issue = dispatch.issues.find(({ tracker: name }) => name === tracker)
    const answer = await openPrCall(
      this.http,
      `/api/v1/projects/${project}/ai/tasks`,
      {
        ai_participant_id: participant,
        task_type: 'review_requested',
        ...(issue && { reference_type: 'issue', reference_id: issue.id }),
        priority: 10,
        payload: {
          run_id: run,
          incident,
          deadline,
          instructions,
          data,
          result: { url: result_url, token: result_token },
        },
        idempotency_key: run,
        // Another attempt is a run of ours, with another key.
        max_attempts: 1,
      },
      signal,
    )
    // The key is known already: an earlier call made the task.
    if (answer.code === 409) return { kind: 'accepted' }
    if (answer.code !== 0) throw answer.refused()
    const { id } = answer.data
    return { kind: 'accepted', ...(typeof id === 'string' ? { external: id } : {}) }
  }

  async finish(
    { external }: { readonly external?: string },
    result: RunResult,
    signal: AbortSignal,
  ): Promise<void> {
    if (external !== undefined) await endTask(this.http, external, result, signal)
  }

  async close(): Promise<void> {
    await this.http.close()
  }
}

/** Tells OpenPR that an AI task is over. One that is over already, or gone, is left as it is. */
export async function endTask(
  http: AgentHttp,
  task: string,
  { status, summary }: RunResult,
  signal: AbortSignal,
): Promise<void> {
  const [verb, body] =
    status === 'success' ? ['complete', { summary }] : ['fail', { error_message: summary || status }]
  const answer = await openPrCall(http, taskPath(task, verb ?? ''), body ?? {}, signal)
  if (![0, 400, 404, 409].includes(answer.code)) throw answer.refused()
}

/** Tells OpenPR that somebody works on an AI task. It may be told twice, and is only told. */
export async function progressTask(
  http: AgentHttp,
  task: string,
  step: string,
  signal: AbortSignal,
): Promise<void> {
  await openPrCall(http, taskPath(task, 'progress'), { step, progress_pct: 10 }, signal)
}

const taskPath = (task: string, verb: string): string =>
  `/api/v1/ai/callbacks/task/${encodeURIComponent(task)}/${verb}`

interface OpenPrAnswer {
  /** 0, or what went wrong; errors come as HTTP 200. */
  readonly code: number
  readonly data: Readonly<Record<string, unknown>>
  refused(): AgentError
}

async function openPrCall(
  http: AgentHttp,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<OpenPrAnswer> {
  const answer = await http.request(path, JSON.stringify(body), signal)
  const { status, json, text } = answer
  const code = status >= 300 ? status : json?.['code']
  if (typeof code !== 'number')
    throw new AgentError('AGENT_ANSWER', `OpenPR answered ${status} with something that has no code`, {
      retryable: true,
      ambiguous: true,
    })
  if (code >= 500) throw http.refused({ ...answer, status: code }, { retryable: true, ambiguous: true })
  const data = json?.['data']
  return {
    code,
    data: typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {},
    refused: () => {
      const message = json?.['message']
      return http.refused({ ...answer, status: code, text: typeof message === 'string' ? message : text })
    },
  }
}
