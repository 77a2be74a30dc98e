import { z } from 'zod'
import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import type { AgentHttp } from '../http.js'
import { runResult, type RunResult } from '../run.js'

/** Tasks that one look reads at most, in pages whose payloads fit an answer. OpenPR has no route to a single task. */
const PAGE = 4
const MAX_PAGES = 25
/** Characters of a summary that OpenPR's own words become. */
const MAX_SUMMARY = 4000

const taskPage = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      status: z.string(),
      payload: z.unknown(),
      result: z.unknown(),
      error_message: z.string().nullish(),
    }),
  ),
  total_pages: z.number(),
})
type Task = z.output<typeof taskPage>['items'][number]

/** An AI participant of OpenPR. It is given an AI task there; its result is posted to us, or is that of the task. */
export class OpenPrAgent implements Agent {
  readonly type = 'openpr'
  readonly id: string

  /** @param participant the same server with the participant's own token, where it is known */
  constructor(
    readonly config: AgentConfigOf<'openpr'>,
    readonly http: AgentHttp,
    readonly participant: AgentHttp | undefined,
  ) {
    this.id = config.id
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { participant, tracker } = this.config
    const { run, incident, deadline, instructions, data, result_url, result_token } = dispatch
    const issue = dispatch.issues.find(({ tracker: name }) => name === tracker)
    const answer = await openPrCall(
      this.http,
      this.#tasks(),
      {
        ai_participant_id: participant,
        task_type: 'review_requested',
        ...(issue && { reference_type: 'work_item', reference_id: issue.id }),
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

  async poll(
    { id, external }: { readonly id: string; readonly external?: string },
    signal: AbortSignal,
  ): Promise<RunResult | undefined> {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const path = `${this.#tasks()}?page=${page}&per_page=${PAGE}`
      const answer = await openPrCall(this.http, path, undefined, signal)
      if (answer.code !== 0) throw answer.refused()
      const { data, error } = taskPage.safeParse(answer.data)
      if (!data)
        throw new AgentError('AGENT_ANSWER', `${this.id} answered with something that is no list of tasks`, {
          retryable: true,
          cause: error,
        })
      const task = data.items.find((one) => one.id === external || runIn(one.payload) === id)
      if (task) return resultOf(id, task)
      if (page >= data.total_pages) return undefined
    }
    return undefined
  }

  async finish(
    { external }: { readonly external?: string },
    result: RunResult,
    signal: AbortSignal,
  ): Promise<void> {
    if (external !== undefined && this.participant) await endTask(this.participant, external, result, signal)
  }

  async close(): Promise<void> {
    await this.http.close()
    await this.participant?.close()
  }

  #tasks(): string {
    return `/api/v1/projects/${this.config.project}/ai/tasks`
  }
}

/** What a task says of its run: nothing while it is worked on. */
function resultOf(run: string, { status, result, error_message }: Task): RunResult | undefined {
  const ended = (outcome: RunResult['status'], summary: string): RunResult => ({
    run_id: run,
    status: outcome,
    summary: summary.slice(0, MAX_SUMMARY),
    proposed_actions: [],
  })
  switch (status) {
    case 'completed': {
      if (typeof result === 'string') return ended('success', result)
      const members = typeof result === 'object' && result !== null ? result : {}
      const whole = runResult.safeParse({ run_id: run, status: 'success', ...members })
      // A participant that knows nothing of ours completes its task with whatever it likes.
      if (whole.success && whole.data.run_id === run) return whole.data
      const said = 'summary' in members ? members.summary : undefined
      return ended('success', typeof said === 'string' ? said : JSON.stringify(result ?? ''))
    }
    case 'failed':
      return ended('failed', error_message ?? 'the task failed')
    case 'cancelled':
      return ended('failed', 'the task was cancelled')
    default:
      return undefined
  }
}

const runIn = (payload: unknown): unknown =>
  typeof payload === 'object' && payload !== null && 'run_id' in payload ? payload.run_id : undefined

/** Tells OpenPR that an AI task is over; only its participant may. One that is over already, or gone, is left as it is. */
export async function endTask(
  http: AgentHttp,
  task: string,
  { status, summary }: Pick<RunResult, 'status' | 'summary'>,
  signal: AbortSignal,
): Promise<void> {
  const [verb, body] =
    status === 'success'
      ? (['complete', { summary }] as const)
      : (['fail', { error_message: summary || status }] as const)
  const answer = await openPrCall(http, taskPath(task, verb), body, signal)
  if (![0, 400, 404, 409].includes(answer.code)) throw answer.refused()
}

/** Tells OpenPR that somebody works on an AI task; only its participant may. It may be told twice. */
export async function progressTask(
  http: AgentHttp,
  task: string,
  step: string,
  signal: AbortSignal,
): Promise<void> {
  const answer = await openPrCall(http, taskPath(task, 'progress'), { step, progress_pct: 10 }, signal)
  if (![0, 400, 404, 409].includes(answer.code)) throw answer.refused()
}

const taskPath = (task: string, verb: 'complete' | 'fail' | 'progress'): string =>
  `/api/v1/ai/callbacks/task/${encodeURIComponent(task)}/${verb}`

interface OpenPrAnswer {
  /** 0, or what went wrong; errors come as HTTP 200. */
  readonly code: number
  readonly data: Readonly<Record<string, unknown>>
  refused(): AgentError
}

/** @param body a GET without */
async function openPrCall(
  http: AgentHttp,
  path: string,
  body: object | undefined,
  signal: AbortSignal,
): Promise<OpenPrAnswer> {
  const writes = body !== undefined
  const answer = await http.request(path, writes ? JSON.stringify(body) : undefined, signal)
  const { status, json, text } = answer
  const code = status >= 300 ? status : json?.['code']
  if (typeof code !== 'number')
    throw new AgentError('AGENT_ANSWER', `OpenPR answered ${status} with something that has no code`, {
      retryable: true,
      ambiguous: writes,
    })
  if (code >= 500) throw http.refused({ ...answer, status: code }, { retryable: true, ambiguous: writes })
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
