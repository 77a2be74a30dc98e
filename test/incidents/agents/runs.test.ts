import t from 'tap'
import { fakeOpenClaw } from '../fakes/openclaw.js'
import { addressIn, openTestAgents, settableClock, until } from '../fixtures/agents.js'

process.env['AGENT_TOKEN'] = 'agent-token'

const openclaw = async (test: Parameters<typeof fakeOpenClaw>[0], more: object = {}) => {
  const fake = await fakeOpenClaw(test, 'agent-token')
  const agent = { id: 'a', type: 'openclaw', url: `${fake.url}/hooks`, token: 'env:AGENT_TOKEN', ...more }
  return { fake, config: { agents: [agent] } }
}

void t.test('a result counts once, with the token of its run, before the deadline', async (t) => {
  const clock = settableClock()
  const { fake, config } = await openclaw(t)
  const role = await openTestAgents(t, { config, clock })
  const { id } = await role.incident()
  const { id: run } = await role.request(id, 'a')
  await until(() => role.run(id)?.state === 'awaiting')
  const { token } = addressIn(fake.turns[0] ?? '')
  t.notMatch(JSON.stringify(role.run(id)), token, 'only its hash is kept')
  const status = async (...given: Parameters<typeof role.post>) => (await role.post(...given)).status
  t.equal(await status(run, 'wrong', {}), 401)
  t.equal(
    await status(
      run.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      token,
      {},
    ),
    401,
  )
  t.equal(await status(run, token, '{'), 400)
  t.equal(await status(run, token, { status: 'done' as 'success' }), 400)
  t.equal(await status(run, token, JSON.stringify({ run_id: run, status: 'success', ban: '0.0.0.0/0' })), 400)
  t.equal(
    await status(run, token, JSON.stringify({ run_id: run, status: 'success', summary: 'x'.repeat(70_000) })),
    413,
  )
  t.equal(role.run(id)?.state, 'awaiting')
  t.equal(await status(run, token, { summary: 'first' }), 200)
  t.strictSame(await (await role.post(run, token, { summary: 'first' })).json(), {
    run_id: run,
    status: 'repeated',
  })
  t.equal(await status(run, token, { summary: 'second' }), 409)
  t.equal(role.run(id)?.result?.summary, 'first')
  t.strictSame(role.kinds(id), ['opened', 'dispatched', 'result'])

  const late = await role.incident()
  const { id: lateRun } = await role.request(late.id, 'a')
  await until(() => role.run(late.id)?.state === 'awaiting')
  const other = addressIn(fake.turns[1] ?? '').token
  t.equal(await status(lateRun, token, {}), 401, 'a token is good for its own run only')
  clock.ahead = 901_000
  t.equal(await status(lateRun, other, {}), 409)
})

void t.test('no result by the deadline is escalated, once', async (t) => {
  const clock = settableClock()
  const { config } = await openclaw(t)
  const role = await openTestAgents(t, { config, clock })
  const { id } = await role.incident()
  await role.request(id, 'a')
  await until(() => role.run(id)?.state === 'awaiting')
  clock.ahead = 901_000
  role.queue.wake()
  await until(() => role.run(id)?.state === 'timeout')
  t.strictSame(role.kinds(id), ['opened', 'dispatched', 'result', 'escalated'])
  t.equal(role.runs(id).length, 1)
})

void t.test('a failed run is followed by at most two more, each with a token of its own', async (t) => {
  const { fake, config } = await openclaw(t)
  const role = await openTestAgents(t, { config })
  const ended: string[] = []
  role.addReaction((change) => {
    if (change.type === 'run_completed') ended.push(change.status)
  })
  const { id } = await role.incident()
  await role.request(id, 'a')
  const tokens = new Set<string>()
  for (let attempt = 1; attempt <= 3; attempt++) {
    await until(() => role.run(id)?.attempt === attempt && role.run(id)?.state === 'awaiting')
    const { run, token } = addressIn(fake.turns.at(-1) ?? '')
    tokens.add(token)
    t.equal((await role.post(run, token, { status: 'failed' })).status, 200)
  }
  t.equal(tokens.size, 3)
  t.strictSame(
    role.runs(id).map(({ attempt, state }) => `${attempt} ${state}`),
    ['1 failed', '2 failed', '3 failed'],
  )
  t.strictSame(role.kinds(id), [
    'opened',
    'dispatched',
    'result',
    'dispatched',
    'result',
    'dispatched',
    'result',
    'escalated',
  ])
  t.strictSame(ended, ['failed'], 'who waits for the end hears of the last one only')
})

void t.test('an agent works on no more than it may, and the next waits for a place', async (t) => {
  const { fake, config } = await openclaw(t, { max_concurrent: 2 })
  const role = await openTestAgents(t, { config })
  const incidents = await Promise.all(Array.from({ length: 5 }, () => role.incident()))
  for (const { id } of incidents) await role.request(id, 'a')
  for (let done = 0; done < 5; done++) {
    await until(() => fake.turns.length === Math.min(5, done + 2))
    t.ok(incidents.filter(({ id }) => role.run(id)?.state === 'awaiting').length <= 2)
    const { run, token } = addressIn(fake.turns[done] ?? '')
    await until(() => role.agents.runs.get(run)?.state === 'awaiting')
    t.equal((await role.post(run, token, {})).status, 200)
  }
  await until(() => incidents.every(({ id }) => role.run(id)?.state === 'success'))
})

void t.test('one run stands for all that ask the same agent about the same incident', async (t) => {
  const { config } = await openclaw(t)
  const role = await openTestAgents(t, { config })
  const { id } = await role.incident()
  const first = await role.request(id, 'a')
  t.equal((await role.request(id, 'a')).id, first.id)
  await until(() => role.run(id)?.state === 'awaiting')
  t.equal((await role.request(id, 'a')).id, first.id)
  t.equal(role.runs(id).length, 1)
})

void t.test('an agent that is unknown or disabled gets nothing', async (t) => {
  const { config } = await openclaw(t, { enabled: false })
  const role = await openTestAgents(t, { config })
  const { id } = await role.incident()
  await t.rejects(role.request(id, 'a'), { code: 'AGENT_DISABLED' })
  await t.rejects(role.request(id, 'b'), { code: 'AGENT_UNKNOWN' })
})

void t.test('a run that was handed over is still known after a restart', async (t) => {
  const folder = t.testdir()
  const { fake, config } = await openclaw(t)
  const before = await openTestAgents(t, { folder, config })
  const { id } = await before.incident()
  const { id: run } = await before.request(id, 'a')
  await until(() => before.run(id)?.state === 'awaiting')
  await before.stop()
  const after = await openTestAgents(t, { folder, config })
  const { token } = addressIn(fake.turns[0] ?? '')
  t.equal((await after.post(run, token, { summary: 'late but there' })).status, 200)
  t.equal(after.run(id)?.state, 'success')
  t.equal(fake.turns.length, 1)
})

void t.test('an agent that answers before its side says yes is believed', async (t) => {
  const { fake, config } = await openclaw(t)
  fake.faults.push('drop-after-commit')
  const role = await openTestAgents(t, { config })
  const { id } = await role.incident()
  await role.request(id, 'a')
  await until(() => fake.turns.length === 1)
  const { run, token } = addressIn(fake.turns[0] ?? '')
  t.equal((await role.post(run, token, {})).status, 200)
  await until(() => role.run(id)?.state === 'success')
  t.strictSame(role.kinds(id), ['opened', 'dispatched', 'result'])
  t.equal(fake.turns.length, 1)
})

void t.test('a run that finds no place is escalated in the end', async (t) => {
  const clock = settableClock()
  const { fake, config } = await openclaw(t)
  fake.faults.push({ status: 429 }, { status: 429 })
  const role = await openTestAgents(t, { config, clock })
  const { id } = await role.incident()
  await role.request(id, 'a')
  const work = await until(() => role.run(id)?.work[0])
  await until(() => role.store.work.get(work)?.last_error !== undefined)
  t.equal(role.run(id)?.state, 'queued')
  clock.ahead = 3_601_000
  role.queue.wake()
  await until(() => role.run(id)?.state === 'failed')
  t.match(role.run(id)?.result?.summary, /no place in time: a is rate limited/)
  t.equal(role.kinds(id).at(-1), 'escalated')
})

void t.test('agents that share a token or a secret open no tunnel', async (t) => {
  process.env['TUNNEL_A'] = 'a'
  process.env['TUNNEL_B'] = 'b'
  const one = { id: 'one', type: 'tunnel', token: 'env:TUNNEL_A', secret: 'env:TUNNEL_B' }
  const two = { ...one, id: 'two', token: 'env:TUNNEL_B' }
  await t.rejects(openTestAgents(t, { config: { agents: [one, two] } }), { code: 'TUNNEL_SECRET' })
})
