import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { agentsConfig } from '../../../incidents/agents/config.js'
import { RunStore } from '../../../incidents/agents/run-store.js'
import { Runs } from '../../../incidents/agents/runs.js'
import { IncidentApi } from '../../../incidents/api/api.js'
import { openWebhooks } from '../../../incidents/inbound/connector.js'
import { serveTcp } from '../../../runtime/api/server.js'
import { FakeOpenPr, SUBSCRIBABLE } from '../fakes/openpr.js'
import { openprConfig, startTrackers } from '../trackers/rig.js'

process.env['HOOK_OLD'] = 'the old secret'
process.env['HOOK_NEW'] = 'the new secret'
export const webhook_secrets = ['env:HOOK_OLD', 'env:HOOK_NEW']
export const agents = agentsConfig.parse([
  { id: 'vano', name: 'Vano Bot', type: 'openclaw', url: 'http://127.0.0.1:1/hooks', token: 'env:HOOK_NEW' },
  { id: 'idler', type: 'openmcp', url: 'http://127.0.0.1:1', enabled: false },
  { id: 'fixer', type: 'command', command: ['/bin/true'], run_as: { uid: 65_534, gid: 65_534 } },
])

/** Webhooks behind the server that the role has. */
export const serve = async (t: Test, configs: object[], data = t.testdir()) => {
  const rig = await startTrackers(t, data, configs)
  const { store, lifecycle, now } = rig.core
  const runStore = new RunStore(store)
  const runs = new Runs({
    store,
    runs: runStore,
    lifecycle,
    agents: new Map(agents.map((agent) => [agent.id, agent])),
    wantsFinish: () => false,
    freed: () => undefined,
    now,
  })
  const { core, trackers } = rig
  const webhooks = await openWebhooks({ core, trackers, agents, runs })
  const { routes = [], metrics } = webhooks
  if (webhooks.reaction) core.addReaction(webhooks.reaction)
  webhooks.register?.(rig.queue)
  t.teardown(() => webhooks.close?.())
  const dispatched = () =>
    agents
      .flatMap(({ id }) => [...runStore.open(id)])
      .map(({ incident, agent, by }) => ({ incident, agent, by }))
  const api = new IncidentApi(routes, [], (error) => t.fail(String(error)))
  const server = await serveTcp(api, { host: '127.0.0.1', port: 0, setting: 'incidents.listen' })
  t.teardown(() => server.close())
  const count = (outcome: string): number =>
    Number(new RegExp(`outcome="${outcome}"} (\\d+)`).exec(metrics?.() ?? '')?.[1] ?? 0)
  return { ...rig, runs, dispatched, count, url: `http://${server.address}/webhooks` }
}

/** The same for a fake OpenPR. @param more of the tracker's configuration, where it depends on the fake */
export const openpr = async (t: Test, more: (edge: FakeOpenPr) => object = () => ({})) => {
  const edge = await FakeOpenPr.start(t)
  const served = await serve(t, [openprConfig(edge, 'edge', { webhook_secrets, ...more(edge) })])
  const subscribe = (bot?: string, secret = 'the new secret') =>
    edge.webhooks.push({
      id: randomUUID(),
      url: `${served.url}/edge`,
      secret,
      events: SUBSCRIBABLE,
      ...(bot === undefined ? {} : { bot_user_id: bot }),
    })
  const answers = async () =>
    (await Promise.all(edge.deliveries)).map(({ status, body }) =>
      status === 200 ? (JSON.parse(body) as object) : `${status} ${body}`,
    )
  return { ...served, edge, subscribe, answers }
}
