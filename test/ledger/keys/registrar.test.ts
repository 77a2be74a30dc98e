import { readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { encodeEntryBundle } from '../../../proofs/tile.js'
import { privateFolder } from '../../../runtime/data-folder.js'
import { formatRequest, makeRequest, requestFileName } from '../../../ledger/keys/request.js'
import { readIdentity } from '../../../ledger/identity.js'
import { agent, batch, note, trust } from '../sample-log.js'
import { ask, jsonOf, post, start } from '../sample-role.js'

const keysOf = async (data: string) =>
  jsonOf(await ask(data, '/v1/keys')) as {
    keys: { name: string; first: number }[]
    requests: { state: string; reason: string; name?: string }[]
  }
const sizeOf = async (data: string) => jsonOf(await ask(data, '/health'))['size']

void t.test('who asks is registered as long as the root key is at hand', async (t) => {
  const data = t.testdir()
  const alice = agent('ci/alice')
  const running = await start(data)
  t.teardown(() => running.stop())
  t.equal((await post(data, note(alice))).status, 403)
  await trust(data, alice)
  t.equal((await post(data, note(alice))).status, 201, 'at the first entry, without waiting')
  t.same(await readdir(join(data, 'ledger', 'requests')), [])
  t.match(await keysOf(data), { keys: [{ name: 'root' }, { name: 'ci/alice', first: 0 }], requests: [] })
  t.match(jsonOf(await ask(data, '/v1/agents/ci%2Falice')), { keys: [{ purpose: 'agent' }] })
  await trust(data, alice)
  await post(data, note(alice))
  t.equal(await sizeOf(data), 3, 'once')
})

void t.test('without the root key requests and batches wait, and damage stalls nobody', async (t) => {
  const data = t.testdir()
  const [alice, bob] = [agent('alice'), agent('bob')]
  let running = await start(data)
  await trust(data, bob)
  await post(data, note(bob))
  await running.stop()
  await rename(join(data, 'keys', 'root'), join(data, 'elsewhere'))

  running = await start(data)
  await trust(data, alice)
  const identity = await readIdentity(join(data, 'ledger'))
  const requests = await privateFolder(data, 'ledger', 'requests')
  await writeFile(join(requests, 'x.00000000.request.json'), 'damaged', { mode: 0o600 })
  const foreign = agent('eve')
  const file = requestFileName(foreign) ?? ''
  const text = formatRequest(makeRequest(foreign, 'other.example/0123456789abcdef'))
  await writeFile(join(requests, file), text, { mode: 0o600 })
  await running.topic.append(encodeEntryBundle(batch(alice, 0, 2)))
  await running.topic.append(encodeEntryBundle(batch(bob, 1, 2)))
  await running.topic.append(encodeEntryBundle(batch(alice, 2, 1)))
  while (running.topic.depth > 0) await ask(data, '/health')
  t.equal(await sizeOf(data), 2 + 3, 'only what bob sealed')
  t.equal((await post(data, note(alice))).status, 403)
  t.equal((await post(data, note(foreign))).status, 403)
  while ((await keysOf(data)).requests.length < 3) await ask(data, '/health')
  t.same((await keysOf(data)).requests.map(({ state }) => state).sort(), ['refused', 'refused', 'waiting'])
  t.match(jsonOf(await ask(data, '/health')), { status: 'ok', key_requests: 3 })
  t.match(await running.role.metrics(), /^portcullis_ledger_waiting_batches 2$/m)
  await running.stop()

  await rename(join(data, 'elsewhere'), join(data, 'keys', 'root'))
  running = await start(data)
  t.teardown(() => running.stop())
  while ((await readdir(join(data, 'ledger', 'waiting'))).length > 0) await ask(data, '/health')
  t.equal(await sizeOf(data), 5 + 1 + 3 + 2, 'then all of it is taken in')
  t.match(await running.role.metrics(), /^portcullis_ledger_refused_total 0$/m)
  const sessions = jsonOf(await ask(data, '/v1/sessions/session-1')) as {
    agents: { agent: string; missing: number }[]
  }
  t.match(
    sessions.agents.find((one) => one.agent === 'alice'),
    { missing: 0 },
    'without a gap',
  )
  t.equal(identity?.origin, (await readIdentity(join(data, 'ledger')))?.origin)
})
