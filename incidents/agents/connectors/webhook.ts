import { randomUUID } from 'node:crypto'
import { portcullisSignature, webhookSignature } from '../../../runtime/webhook-signature.js'
import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import type { AgentHttp } from '../http.js'
import { runResult } from '../run.js'

const PAUSE_MS = 30_000

/** Any program that takes a signed POST: it answers with the result at once, or posts it later. */
export class WebhookAgent implements Agent {
  readonly type = 'webhook'
  readonly id: string

  constructor(
    readonly config: AgentConfigOf<'webhook'>,
    readonly http: AgentHttp,
    readonly secret: string,
    readonly now: () => number,
  ) {
    this.id = config.id
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { run, incident, attempt, deadline, instructions, data, result_url, result_token } = dispatch
    const time = this.now()
    const body = JSON.stringify({
      id: run,
      event: 'run.dispatched',
      timestamp: new Date(time).toISOString(),
      run_id: run,
      incident,
      attempt,
      deadline,
      instructions,
      data,
      result: { url: result_url, token: result_token },
    })
    const answer = await this.http.request('', body, signal, {
      'idempotency-key': run,
      'x-webhook-event': 'run.dispatched',
      'x-webhook-delivery': run,
      'x-webhook-signature': webhookSignature(this.secret, body),
      'x-portcullis-signature': portcullisSignature(this.secret, body, Math.floor(time / 1000), randomUUID()),
    })
    const { status, json } = answer
    if (status === 429)
      return { kind: 'busy', retry_after_ms: answer.retryAfterMs ?? PAUSE_MS, reason: `${this.id} is busy` }
    // 409 says that it knows the run already.
    if (status >= 300 && status !== 409) throw this.http.refused(answer)
    const result = runResult.safeParse({ run_id: run, ...json })
    return result.success && result.data.run_id === run
      ? { kind: 'completed', result: result.data }
      : { kind: 'accepted' }
  }

  async close(): Promise<void> {
    await this.http.close()
  }
}
