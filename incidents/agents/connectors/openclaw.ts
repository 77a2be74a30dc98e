import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import type { AgentHttp } from '../http.js'
import { invitationTo, messageFor } from '../prompt.js'

/** Pause after a refusal that names none; OpenClaw says 429 after 20 failures in a minute. */
const PAUSE_MS = 60_000

/**
 * An agent of an OpenClaw gateway, reached by its hooks. OpenClaw tells nobody of a result: the message carries the address
 * that the agent posts it to.
 */
export class OpenClawAgent implements Agent {
  readonly type = 'openclaw'
  readonly id: string

  constructor(
    readonly config: AgentConfigOf<'openclaw'>,
    readonly http: AgentHttp,
  ) {
    this.id = config.id
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { hook } = this.config
    const body = hook === 'wake' ? this.#wake(dispatch) : this.#turn(dispatch)
    const answer = await this.http.request(`/${hook}`, JSON.stringify(body), signal, {
      'idempotency-key': dispatch.run,
    })
    const { status, json } = answer
    if (status === 429)
      return {
        kind: 'busy',
        retry_after_ms: answer.retryAfterMs ?? PAUSE_MS,
        reason: `${this.id} is rate limited`,
      }
    // 202 until February 2026, 200 since.
    if ((status !== 200 && status !== 202) || json?.['ok'] === false) throw this.http.refused(answer)
    if (json?.['ok'] !== true)
      throw new AgentError(
        'AGENT_ANSWER',
        `${this.id} answered ${status} with something that is no hook's answer`,
        {
          retryable: true,
          ambiguous: true,
        },
      )
    const { runId } = json
    return { kind: 'accepted', ...(typeof runId === 'string' ? { external: runId } : {}) }
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  /** A turn of its own, whose message OpenClaw wraps as untrusted. */
  #turn(dispatch: Dispatch): object {
    const { agent_id, session_key, wake_mode, model, thinking, deadline_seconds } = this.config
    return {
      message: messageFor(dispatch, true),
      name: 'Portcullis',
      ...(agent_id === undefined ? {} : { agentId: agent_id }),
      ...(session_key === undefined ? {} : { sessionKey: session_key }),
      ...(model === undefined ? {} : { model }),
      ...(thinking === undefined ? {} : { thinking }),
      idempotencyKey: dispatch.run,
      wakeMode: wake_mode,
      // The answer goes to us, not into a chat.
      deliver: false,
      timeoutSeconds: deadline_seconds,
    }
  }

  /** The text of a wake is trusted by the session that reads it: it holds words of ours and nothing of the incident. */
  #wake(dispatch: Dispatch): object {
    const { agent_id, session_key, wake_mode } = this.config
    return {
      text: invitationTo(dispatch),
      mode: wake_mode,
      ...(agent_id === undefined ? {} : { agentId: agent_id }),
      ...(session_key === undefined ? {} : { sessionKey: session_key }),
    }
  }
}
