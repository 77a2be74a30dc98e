import { dirname } from 'node:path'
import { readSecret } from '../../runtime/secret.js'
import type { Connector, ConnectorDeps } from '../connector.js'
import type { WorkQueue } from '../work/queue.js'
import type { Agent } from './agent.js'
import type { AgentConfig } from './config.js'
import { ControlPlaneTasks } from './control-plane.js'
import { AgentError } from './errors.js'
import { openAgent, TOLD_OF_THE_END } from './open.js'
import { Results } from './results.js'
import { runRoutes } from './routes.js'
import { RunStore } from './run-store.js'
import { RunWork } from './run-work.js'
import { Runs } from './runs.js'
import { TunnelClient } from './tunnel/client.js'
import { SeenMessages } from './tunnel/seen-messages.js'
import { TunnelServer, type TunnelAccount } from './tunnel/server.js'

/** The agents of a running role. */
export interface Agents extends Connector {
  /** Asks for runs, and knows them. */
  readonly runs: Runs
}

export interface AgentsDeps extends ConnectorDeps {
  /** Names of the actions that agents may propose. */
  readonly actions: readonly string[]
}

/**
 * Opens every configured agent with all that leads to it and back: the queue's work, the addresses for results, tunnels.
 *
 * @throws AgentError `AGENT_SANDBOX` for a command agent whose confinement does not hold, RuntimeError `SECRET_…`,
 *   `OUTBOUND_REFUSED`
 */
export async function openAgents({
  core,
  folder,
  publicUrl,
  recorder,
  log,
  actions,
}: AgentsDeps): Promise<Agents> {
  const { store, lifecycle, settings, now } = core
  const configs = new Map(settings.agents.map((config) => [config.id, config]))
  const runStore = new RunStore(store)
  let queue: WorkQueue | undefined
  /** A run that waits for its agent is looked at now, not when its pause ends. */
  const takeNext = (agent: string): void => {
    // The change that made room is durable by then.
    setImmediate(() => {
      core
        .change(() => runs.nextInLine(agent))
        .then((work) => {
          if (work !== undefined) queue?.revive(work)
        })
        .catch((error: unknown) => log.error({ err: error, agent }, 'a run waits longer than it must'))
    })
  }
  const runs = new Runs({
    store,
    runs: runStore,
    lifecycle,
    agents: configs,
    wantsFinish: (agent) => TOLD_OF_THE_END.has(configs.get(agent)?.type ?? 'webhook'),
    freed: takeNext,
    now,
  })
  const results = new Results({ core, life: runs, log })
  const seen = new SeenMessages(store)
  const tunnels = new TunnelServer({
    accounts: await accountsOf(settings.agents),
    seen,
    now,
    log,
    result: (agent, result) => results.hear(agent, result),
    changed: (agent, connected) => {
      if (connected) takeNext(agent)
    },
  })
  const agents = new Map<string, Agent>()
  const close = async (): Promise<void> => {
    await tunnels.close()
    for (const agent of agents.values()) await agent.close()
  }
  try {
    for (const config of settings.agents)
      agents.set(
        config.id,
        await openAgent(config, {
          outbound: settings.outbound,
          data: dirname(folder),
          tunnels,
          result: (agent, result) => results.hear(agent, result),
          recorder,
          now,
          log,
        }),
      )
  } catch (error) {
    await close()
    throw error
  }
  const work = new RunWork({
    store,
    runs: runStore,
    life: runs,
    agents,
    actions,
    publicUrl,
    deadlineMs: (agent) => (configs.get(agent)?.deadline_seconds ?? 0) * 1000,
    pollMs: (agent) => pollMs(configs.get(agent)),
    now,
    log,
  })
  const control = settings.control_plane
  const worker = control && agents.get(control.agent)
  const workerConfig = control && configs.get(control.agent)
  const tasks =
    worker && workerConfig
      ? new ControlPlaneTasks({
          core,
          agent: worker,
          deadlineMs: workerConfig.deadline_seconds * 1000,
          concurrency: workerConfig.max_concurrent,
          finished: () => client?.flush(),
        })
      : undefined
  let client: TunnelClient | undefined
  return {
    runs,
    register(registered) {
      queue = registered
      work.register(registered)
      tasks?.register(registered)
    },
    async start() {
      if (!control || !tasks) return
      client = new TunnelClient({
        url: control.url,
        agent: control.agent_id,
        token: await readSecret(control.token),
        secret: await readSecret(control.secret),
        heartbeatMs: control.heartbeat_seconds * 1000,
        outbound: settings.outbound,
        seen,
        tasks,
        now,
        log,
      })
    },
    routes: runRoutes({ store, results, actions, publicUrl }),
    upgrades: {
      '/v1/agent-tunnel': (request, socket, head) => tunnels.upgrade(request, socket, head),
    },
    async close() {
      await client?.close()
      await close()
    },
  }
}

/** A disabled agent opens no tunnel either. */
async function accountsOf(configs: readonly AgentConfig[]): Promise<readonly TunnelAccount[]> {
  const accounts: TunnelAccount[] = []
  for (const config of configs)
    if (config.type === 'tunnel' && config.enabled)
      accounts.push({
        agent: config.id,
        token: await readSecret(config.token),
        secret: await readSecret(config.secret),
      })
  for (const [at, account] of accounts.entries())
    for (const other of accounts.slice(0, at))
      if (other.token === account.token || other.secret === account.secret)
        throw new AgentError(
          'TUNNEL_SECRET',
          `the agents ${other.agent} and ${account.agent} have the same token or secret; each needs its own`,
        )
  return accounts
}

const pollMs = (config: AgentConfig | undefined): number =>
  (config && 'poll_seconds' in config ? config.poll_seconds : 5) * 1000
