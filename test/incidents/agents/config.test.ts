import t from 'tap'
import { configSchema } from '../../../cli/config.js'

const AGENTS = {
  openclaw: { url: 'https://claw.test/hooks', token: 'env:T' },
  teamboard: { url: 'https://board.test', agent_id: 'fixer' },
  openpr: {
    url: 'https://openpr.test',
    token: 'env:T',
    project: '6f1f3c1e-7d1b-4d55-9f0a-0f6f5f2f7a01',
    participant: '6f1f3c1e-7d1b-4d55-9f0a-0f6f5f2f7a02',
  },
  openprx: { url: 'https://signal.test', account: '+1', target: 'uuid:1' },
  webhook: { url: 'https://hook.test', secret: 'env:S' },
  tunnel: { token: 'env:T', secret: 'env:S' },
  openmcp: { url: 'https://mcp.test' },
  hub: { url: 'redis://127.0.0.1:6379', agent_id: 'x1' },
} as const

/** Paths and reasons for which a configuration with one agent is refused. */
const refusedFor = (type: keyof typeof AGENTS, incidents: object, more: object = {}): readonly string[] =>
  configSchema
    .safeParse({ incidents, agents: [{ id: 'fixer', type, ...AGENTS[type], ...more }] })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

t.test('an agent that posts its results needs an address that it can be told', async (t) => {
  for (const type of ['openclaw', 'teamboard', 'openpr', 'openprx', 'webhook'] as const) {
    const [unheard = '', ...rest] = refusedFor(type, {})
    t.match(unheard, /^agents\.0\.type: .* incidents\.listen, which is not set$/)
    t.strictSame(rest, [])
    for (const listen of ['0.0.0.0:8480', '[::]:8480']) {
      const [wild] = refusedFor(type, { listen })
      t.match(wild, /^incidents\.public_url: the agent fixer of type /)
      t.match(wild, listen)
      t.strictSame(refusedFor(type, { listen, public_url: 'https://portcullis.test' }), [])
    }
    t.strictSame(refusedFor(type, { listen: '10.0.0.1:8480' }), [])
    for (const listen of ['127.0.0.1:8480', '[::1]:8480', 'localhost:8480']) {
      const [own] = refusedFor(type, { listen })
      t.match(own, /^incidents\.public_url: the agent fixer of type .* which only this machine reaches$/)
      t.match(own, listen)
      t.strictSame(refusedFor(type, { listen, public_url: 'https://portcullis.test' }), [])
      t.strictSame(refusedFor(type, { listen }, { url: 'http://127.0.0.1:18789/hooks' }), [])
      t.strictSame(refusedFor(type, { listen }, { url: 'http://[::1]:18789/hooks' }), [])
    }
  }
})

t.test('an agent behind a tunnel needs a listener only, one that is asked needs nothing', async (t) => {
  t.match(refusedFor('tunnel', {}), [/^agents\.0\.type: /])
  t.strictSame(refusedFor('tunnel', { listen: '0.0.0.0:8480' }), [])
  t.strictSame(refusedFor('openmcp', {}), [])
})

t.test('queues of a hub form no circle, and none is taken twice', (t) => {
  const refused = (...tap_queues: object[]): readonly string[] => refusedFor('hub', {}, { tap_queues })
  const circle = [/^agents\.0\.tap_queues: a list is named as from and as to/]
  t.strictSame(refused({ from: 'a', to: 'b' }, { from: 'c', to: 'd' }), [])
  t.match(refused({ from: 'a', to: 'a' }), circle)
  t.match(refused({ from: 'a', to: 'b' }, { from: 'b', to: 'a' }), circle)
  t.match(refused({ from: 'a', to: 'b' }, { from: 'a', to: 'c' }), [
    /^agents\.0\.tap_queues: .* twice as from$/,
  ])
  t.end()
})
