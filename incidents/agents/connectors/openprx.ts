import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import type { AgentHttp } from '../http.js'
import { invitationTo } from '../prompt.js'

const PAUSE_MS = 30_000

/**
 * A PRX agent, which hears on Signal: a message tells it that there is a task, and where. Signal has no key by which a message
 * is known again, so that none is sent a second time after an unclear outcome; the deadline minds the rest.
 */
export class OpenPrxAgent implements Agent {
  readonly type = 'openprx'
  readonly id: string

  constructor(
    readonly config: AgentConfigOf<'openprx'>,
    readonly http: AgentHttp,
  ) {
    this.id = config.id
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    if (dispatch.resumed) return { kind: 'accepted' }
    const { account, target } = this.config
    const body = JSON.stringify({ recipients: [target], message: invitationTo(dispatch) })
    const answer = await this.http.request(`/api/v1/send/${account}`, body, signal)
    if (answer.status === 429)
      return {
        kind: 'busy',
        retry_after_ms: answer.retryAfterMs ?? PAUSE_MS,
        reason: `${this.id} is rate limited`,
      }
    if (answer.status >= 300) throw this.http.refused(answer)
    return { kind: 'accepted' }
  }

  async close(): Promise<void> {
    await this.http.close()
  }
}
