import { readFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { parse } from 'yaml'
import { configSchema } from '../../../cli/config.js'
import { redisServer } from '../fakes/redis-server.js'
import { trackerServer } from '../fakes/tracker-server.js'
import { SIDES } from '../fixtures/agent-sides.js'
import { openTestAgents, until } from '../fixtures/agents.js'

for (const name of [
  'OPENCLAW_TOKEN',
  'TEAM_BOARD_TOKEN',
  'OPENPR_TOKEN',
  'OPENPR_PARTICIPANT_TOKEN',
  'OPENMCP_TOKEN',
  'AGENT_WEBHOOK_SECRET',
  'TUNNEL_TOKEN',
  'TUNNEL_SECRET',
])
  process.env[name] = 'agent-token'
process.env['HUB_REDIS_PASSWORD'] = 'pw'

interface PageConfig {
  readonly agents: readonly { readonly id: string; readonly type: string; readonly url?: string }[]
}

/** Every configuration of a page, exactly as it stands there. */
const configurationsOf = async (page: string): Promise<PageConfig[]> => {
  const text = await readFile(new URL(`../../../docs/incidents/${page}.md`, import.meta.url), 'utf8')
  return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml]) => parse(yaml ?? '') as PageConfig)
}

const PAGES = {
  OPENCLAW: 'openclaw',
  'TEAM-BOARD-AGENT': 'teamboard',
  'OPENPR-AI-TASK': 'openpr',
  'OPENMCP-CHAIN': 'openmcp',
  'AGENT-WEBHOOK': 'webhook',
} as const

for (const [page, side] of Object.entries(PAGES))
  void t.test(`${page}: its configuration works`, async (t) => {
    const [config] = await configurationsOf(page)
    configSchema.parse(config)
    const made = await SIDES[side]?.(t)
    const [agent] = config?.agents ?? []
    // Only where it listens is another here.
    const { origin } = new URL((made!.config as { url: string }).url)
    const url = agent?.url?.replace(/^http:\/\/[^/]+/, origin)
    const faster = side === 'openmcp' ? { poll_seconds: 0.02 } : {}
    const role = await openTestAgents(t, { config: { ...config, agents: [{ ...agent, ...faster, url }] } })
    const { id } = await role.incident()
    await role.request(id, agent?.id ?? '')
    await until(() => role.run(id)?.state === 'awaiting')
    await made?.answer('success')
    await until(() => role.run(id)?.state === 'success')
    t.equal(made?.asked().length, 1)
  })

void t.test('PLATFORMAI-HUB: its configuration works', async (t) => {
  const [config] = await configurationsOf('PLATFORMAI-HUB')
  configSchema.parse(config)
  const port = await redisServer(t)
  const [agent] = config?.agents ?? []
  const role = await openTestAgents(t, {
    config: { ...config, agents: [{ ...agent, url: `redis://127.0.0.1:${port}` }] },
  })
  const { id } = await role.incident()
  await role.request(id, 'hub')
  const work = await until(() => role.run(id)?.work[0])
  await until(() => role.store.work.get(work)?.last_error !== undefined)
  t.match(role.store.work.get(work)?.last_error, /nobody hears/)
})

void t.test('PLATFORMAI-HUB: with its queues, they are passed on', async (t) => {
  const [, config] = await configurationsOf('PLATFORMAI-HUB')
  configSchema.parse(config)
  const port = await redisServer(t)
  const url = `redis://127.0.0.1:${port}`
  await openTestAgents(t, { config: { ...config, agents: [{ ...config?.agents[0], url }] } })
  const hub = new Redis({ port, password: 'pw' })
  t.teardown(() => hub.disconnect())
  for (const queue of ['history_queue', 'token_usage_queue']) {
    await hub.lpush(queue, '{}')
    t.strictSame(await hub.blpop(`${queue}_recorded`, 10), [`${queue}_recorded`, '{}'])
  }
})

void t.test('OPENPRX: its configuration works', async (t) => {
  const [config] = await configurationsOf('OPENPRX')
  configSchema.parse(config)
  const fake = await trackerServer(t, { handle: () => ({ status: 201 }), failure: (status) => ({ status }) })
  const [agent] = config?.agents ?? []
  const role = await openTestAgents(t, { config: { ...config, agents: [{ ...agent, url: fake.url }] } })
  const { id } = await role.incident()
  await role.request(id, 'vano')
  await until(() => role.run(id)?.state === 'awaiting')
  t.match(fake.requests, [{ path: '/api/v1/send/+1234567890' }])
})

void t.test('AGENT-COMMAND: its configuration works', async (t) => {
  const [config] = await configurationsOf('AGENT-COMMAND')
  configSchema.parse(config)
  const role = await openTestAgents(t, { config: config ?? {} })
  const { id } = await role.incident()
  await role.request(id, 'program')
  await until(() => role.run(id)?.state === 'success')
  t.equal(role.run(id)?.result?.summary, 'looked')
})

void t.test('AGENT-TUNNEL: both its configurations are right', async (t) => {
  const [server, client] = await configurationsOf('AGENT-TUNNEL')
  t.match(configSchema.parse(server).agents, [{ type: 'tunnel' }])
  t.match(configSchema.parse(client).control_plane, { agent: 'worker' })
  const wrong = configSchema.safeParse({ ...client, agents: [] })
  t.match(wrong.error?.issues, [{ path: ['control_plane', 'agent'] }])
  t.match(configSchema.safeParse({ ...server, incidents: {} }).error?.issues, [
    { path: ['agents', 0, 'type'] },
  ])
})
