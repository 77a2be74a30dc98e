import t from 'tap'
import { agentFor } from '../../../incidents/inbound/routing.js'

const agents = [
  { id: 'first', name: 'Alpha', type: 'openclaw' },
  { id: 'second', name: 'Beta', type: 'openclaw' },
  { id: 'third', type: 'command' },
  { id: 'Beta', type: 'webhook' },
] as const
const route = (bot_name: string, bot_agent_type = 'nothing') =>
  agentFor({ bot_name, bot_agent_type }, agents)?.id

t.test('the id of an agent, or its name in any case, is the name of its bot', async (t) => {
  t.equal(route('third'), 'third')
  t.equal(route('ALPHA'), 'first')
  t.equal(route('Third'), undefined, 'an id has one spelling')
  t.equal(route('Beta'), 'second', 'the first that fits')
})

t.test('else the first of its kind', async (t) => {
  t.equal(route('somebody', 'openclaw'), 'first')
  for (const kind of ['cli', 'custom', 'command']) t.equal(route('somebody', kind), 'third', kind)
  for (const kind of ['constructor', '__proto__', 'openprx', ''])
    t.equal(route('somebody', kind), undefined, kind)
})
