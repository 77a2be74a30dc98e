import type { Logger } from 'pino'
import type { LedgerRecorder } from '../../ledger/client/types.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { readSecret } from '../../runtime/secret.js'
import type { Agent } from './agent.js'
import { CommandAgent } from './command/agent.js'
import type { AgentConfig } from './config.js'
import { HubAgent } from './connectors/hub.js'
import { OpenClawAgent } from './connectors/openclaw.js'
import { OpenMcpAgent } from './connectors/openmcp.js'
import { OpenPrAgent } from './connectors/openpr.js'
import { OpenPrxAgent } from './connectors/openprx.js'
import { TeamBoardAgent } from './connectors/teamboard.js'
import { TunnelAgent } from './connectors/tunnel.js'
import { WebhookAgent } from './connectors/webhook.js'
import { AgentHttp } from './http.js'
import type { RunResult } from './run.js'
import type { TunnelServer } from './tunnel/server.js'

export interface OpenAgentDeps {
  readonly outbound: OutboundConfig
  /** The data folder, which a command agent must not reach. */
  readonly data: string
  readonly tunnels: TunnelServer
  /** Takes a result that an agent told by itself. */
  readonly result: (agent: string, result: RunResult) => Promise<void>
  /** Records what belongs to no incident. */
  readonly recorder: Pick<LedgerRecorder, 'record' | 'flush'>
  readonly now: () => number
  readonly log: Logger
}

/** Kinds whose side is told that a run is over. */
export const TOLD_OF_THE_END: ReadonlySet<AgentConfig['type']> = new Set(['teamboard', 'openpr'])

/**
 * Opens a configured agent.
 *
 * @throws AgentError `AGENT_SANDBOX`, RuntimeError `SECRET_…`, `OUTBOUND_REFUSED`
 */
export async function openAgent(config: AgentConfig, deps: OpenAgentDeps): Promise<Agent> {
  const { outbound, now } = deps
  const secret = async (reference: string | undefined): Promise<string | undefined> =>
    reference === undefined ? undefined : readSecret(reference)
  const http = async ({ id, url, token, timeout_seconds }: HttpConfig): Promise<AgentHttp> =>
    new AgentHttp({ id, url, token: await secret(token), timeoutMs: timeout_seconds * 1000, outbound })
  switch (config.type) {
    case 'openclaw':
      return new OpenClawAgent(config, await http(config))
    case 'teamboard':
      return new TeamBoardAgent(config, await http(config))
    case 'openpr':
      return new OpenPrAgent(
        config,
        await http(config),
        config.participant_token === undefined
          ? undefined
          : await http({ ...config, token: config.participant_token }),
      )
    case 'openprx':
      return new OpenPrxAgent(config, await http(config))
    case 'openmcp':
      return new OpenMcpAgent(config, await http(config))
    case 'webhook':
      return new WebhookAgent(config, await http(config), await readSecret(config.secret), now)
    case 'hub':
      return new HubAgent(config, { ...deps, password: await secret(config.token) })
    case 'tunnel':
      return new TunnelAgent(config, deps.tunnels)
    case 'command':
      return CommandAgent.start(config, deps)
  }
}

type HttpConfig = Pick<Extract<AgentConfig, { readonly url: string }>, 'id' | 'url' | 'timeout_seconds'> & {
  readonly token?: string | undefined
}
