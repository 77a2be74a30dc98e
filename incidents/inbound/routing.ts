import type { AgentConfig } from '../agents/config.js'
import type { BotTask } from './notice.js'

/** What OpenPR's kinds of agents are among ours. */
const TYPE: Readonly<Record<string, AgentConfig['type']>> = {
  openclaw: 'openclaw',
  webhook: 'webhook',
  custom: 'command',
  cli: 'command',
}

/** What is needed to know an agent. */
export type Candidate = Pick<AgentConfig, 'id' | 'name' | 'type'>

/**
 * The agent for a bot of a tracker, chosen as openpr-webhook does: whose id is the bot's name, or whose name it is whatever
 * the case; else the first of the bot's kind.
 */
export function agentFor<T extends Candidate>(
  { bot_name, bot_agent_type }: Pick<BotTask, 'bot_name' | 'bot_agent_type'>,
  agents: readonly T[],
): T | undefined {
  const wanted = bot_name.toLowerCase()
  const type = Object.hasOwn(TYPE, bot_agent_type) ? TYPE[bot_agent_type] : bot_agent_type
  return (
    agents.find(({ id, name }) => id === bot_name || name?.toLowerCase() === wanted) ??
    agents.find((agent) => agent.type === type)
  )
}
