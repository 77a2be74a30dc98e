import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import type { TunnelServer } from '../tunnel/server.js'

/** Pause until an agent that is not connected is looked for again; its connecting is mostly noticed at once. */
const PAUSE_MS = 5000

/** An agent behind NAT, which keeps a tunnel to us open. */
export class TunnelAgent implements Agent {
  readonly type = 'tunnel'
  readonly id: string

  constructor(
    readonly config: AgentConfigOf<'tunnel'>,
    readonly server: TunnelServer,
  ) {
    this.id = config.id
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { run, incident, attempt, deadline, instructions, data } = dispatch
    const [issue] = dispatch.issues
    const payload = {
      run_id: run,
      issue_id: issue?.id ?? incident,
      body: {
        event: 'run.dispatched',
        run_id: run,
        attempt,
        deadline,
        instructions,
        // Peers of other make put the title into a prompt as it is: it holds nothing but ids.
        data: {
          issue: {
            id: issue?.id ?? incident,
            key: issue?.key ?? '',
            title: `Portcullis incident ${incident}`,
          },
        },
        incident_data: data,
      },
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.config.timeout_seconds * 1000)])
    switch (await this.server.dispatch(this.id, payload, limit)) {
      case 'accepted':
        return { kind: 'accepted' }
      case 'absent':
        return { kind: 'busy', retry_after_ms: PAUSE_MS, reason: `${this.id} is not connected` }
      case 'unknown':
        throw new AgentError('AGENT_UNREACHABLE', `${this.id} did not acknowledge the run`, {
          retryable: true,
          ambiguous: true,
        })
    }
  }

  async close(): Promise<void> {
    // The tunnels are the server's.
  }
}
