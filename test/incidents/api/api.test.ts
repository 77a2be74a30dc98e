import { join } from 'node:path'
import { request as httpRequest } from 'node:http'
import { Validator } from '@seriousme/openapi-schema-validator'
import t, { type Test } from 'tap'
import { configSchema } from '../../../cli/config.js'
import { startIncidents } from '../../../incidents/role.js'
import { openActionSigner } from '../../../ledger/client/action-signer.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { requestOverSocket } from '../../../runtime/unix-socket.js'
import { noRecorder, openIncident, openTestCore, silent } from '../fixtures/core.js'

process.env['TEST_API_TOKEN'] = 'token-of-alice'

const serve = async (t: Test, config: object = {}, data = t.testdir()) => {
  const outbox = openOutbox(join(data, 'outbox'), { log: silent })
  const folder = join(data, 'incidents')
  const role = await startIncidents({
    recorder: noRecorder,
    settings: configSchema.parse({
      incidents: {
        listen: '127.0.0.1:0',
        tokens: [{ name: 'alice', token: 'env:TEST_API_TOKEN' }],
        ...config,
      },
    }),
    folder,
    events: openTopic(outbox, 'events'),
    ledger: openTopic(outbox, 'ledger'),
    commands: {
      gateway: openTopic(outbox, 'commands.gateway'),
      scanner: openTopic(outbox, 'commands.scanner'),
    },
    signer: await openActionSigner('incidents', join(folder, 'key')),
    now: () => Date.now(),
    log: silent,
  })
  t.teardown(async () => {
    await role.close()
    await outbox.close()
  })
  const url = `http://${role.listen}`
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    token: string | null = 'token-of-alice',
  ) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    return { status: response.status, type, body: type.includes('json') ? JSON.parse(text) : text }
  }
  return { ask, folder, url }
}

t.test('incidents are opened, listed, changed and told about over HTTP', async (t) => {
  const { ask, folder } = await serve(t)
  const made = await ask('POST', '/v1/incidents', {
    title: 'By hand',
    severity: 'high',
    summary: 'seen by hand',
  })
  t.match(made, { status: 201, body: { state: 'open', severity: 'high', count: 1, title: 'By hand' } })
  const { id } = made.body
  await ask('POST', '/v1/incidents', { title: 'Another', severity: 'low', summary: 'seen too' })
  t.match((await ask('GET', '/v1/incidents')).body.incidents, [{ title: 'Another' }, { id }])
  t.match((await ask('GET', '/v1/incidents?severity=high')).body.incidents.length, 1)
  const first = (await ask('GET', '/v1/incidents?limit=1')).body
  t.match((await ask('GET', `/v1/incidents?limit=1&before=${first.next}`)).body, {
    incidents: [{ id }],
    next: undefined,
  })

  t.match((await ask('PATCH', `/v1/incidents/${id}`, { state: 'triaged', assignee: 'bob' })).body, {
    state: 'triaged',
    assignee: 'bob',
  })
  t.match(await ask('POST', `/v1/incidents/${id}/comments`, { text: 'hm' }), { status: 201 })
  const { items } = (await ask('GET', `/v1/incidents/${id}/timeline?limit=2&after=1`)).body
  t.match(items, [
    { number: 2, kind: 'incident.assigned', facts: { by: 'person:alice' } },
    { number: 3, kind: 'incident.updated' },
  ])
  t.strictSame((await ask('GET', `/v1/incidents/${id}/sessions`)).body, {
    sessions: [`i-${id}`],
    open: true,
    entries: 5,
  })
  await ask('PATCH', `/v1/incidents/${id}`, { state: 'resolved' })
  t.strictSame((await ask('GET', `/v1/incidents/${id}/sessions`)).body.open, false)
  t.match((await ask('GET', '/v1/work')).body, { work: [] })

  const local = await requestOverSocket(folder, 'incidents.sock', { target: `/v1/incidents/${id}` })
  t.match(JSON.parse(Buffer.from(local.body).toString()), { id, state: 'resolved' })
})

t.test('work is listed by pages, dead letters apart, and they are tried again', async (t) => {
  const data = t.testdir()
  const core = await openTestCore(t, { folder: join(data, 'incidents') })
  const { id: incident } = await openIncident(core)
  await core.change(() => {
    const due = core.now() + 3_600_000
    for (let at = 0; at < 1500; at++) {
      const wanted = { incident, kind: `kind.${at % 2}`, target: 'nowhere', due }
      const work = core.store.work.add(wanted, core.now())
      if (at >= 1000) core.store.work.put({ ...work, state: 'dead', died: core.now(), failures: 40 })
    }
  })
  await core.store.close()
  const { ask } = await serve(t, {}, data)
  const first = (await ask('GET', '/v1/work')).body
  t.equal(first.work.length, 1000)
  const second = (await ask('GET', `/v1/work?after=${first.next}`)).body
  t.equal(second.work.length, 500)
  t.equal(second.next, undefined)
  t.equal(new Set([...first.work, ...second.work].map(({ id }) => id)).size, 1500)
  const dead = (await ask('GET', '/v1/work?state=dead&kind=kind.1')).body.work
  t.equal(dead.length, 250)
  t.match(await ask('POST', `/v1/work/${dead[0].id}/retry`), { status: 202, body: { state: 'waiting' } })
  const [waiting] = (await ask('GET', '/v1/work?state=waiting')).body.work
  t.equal((await ask('POST', `/v1/work/${waiting.id}/retry`)).status, 409)
})

t.test('who may not is refused before the body is read', async (t) => {
  const { ask, url } = await serve(t)
  for (const token of [null, 'wrong', ''])
    t.match(await ask('GET', '/v1/incidents', undefined, token), {
      status: 401,
      body: { code: 'unauthorized' },
    })
  t.match(await ask('GET', '/health', undefined, null), { status: 200, body: { status: 'ok' } })
  t.equal((await ask('GET', '/metrics', undefined, null)).status, 401)
  t.match((await ask('GET', '/metrics')).body, /portcullis_incidents_events_total 0/)
  // The answer comes although the body never does.
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const outgoing = httpRequest(`${url}/v1/incidents`, {
      method: 'POST',
      headers: { 'content-length': 50_000 },
    })
    outgoing.on('response', (response) => {
      resolve(response.statusCode)
      outgoing.destroy()
    })
    outgoing.on('error', reject)
    outgoing.flushHeaders()
  })
  t.equal(status, 401)
  const closed = await serve(t, { tokens: [] })
  t.match(await closed.ask('GET', '/v1/incidents'), { status: 403, body: { code: 'forbidden' } })
})

t.test('what is wrong with a request is said', async (t) => {
  const { ask } = await serve(t)
  const cases: [string, string, unknown, number, string][] = [
    ['GET', '/v1/incidents/none', undefined, 404, 'incident_not_found'],
    ['GET', '/v1/nothing', undefined, 404, 'not_found'],
    ['DELETE', '/v1/incidents', undefined, 405, 'method_not_allowed'],
    ['GET', '/v1/incidents?limit=0', undefined, 400, 'bad_request'],
    ['GET', '/v1/incidents?limit=1&limit=2', undefined, 400, 'bad_request'],
    ['GET', '/v1/incidents?colour=red', undefined, 400, 'bad_request'],
    ['GET', '/v1/incidents/%ff', undefined, 400, 'bad_request'],
    ['POST', '/v1/incidents', '{', 400, 'bad_request'],
    ['POST', '/v1/incidents', { title: 'x', summary: 'y', colour: 'red' }, 400, 'bad_request'],
    ['POST', '/v1/incidents', { title: 'x'.repeat(100_000), summary: 'y' }, 413, 'too_large'],
    ['POST', '/v1/work/none/retry', undefined, 404, 'not_found'],
  ]
  for (const [method, path, body, status, code] of cases)
    t.match(await ask(method, path, body), { status, body: { code } }, `${method} ${path}`)
  const { body } = await ask('POST', '/v1/incidents', { title: 'x', summary: 'y' })
  await ask('PATCH', `/v1/incidents/${body.id}`, { state: 'resolved' })
  t.match(await ask('PATCH', `/v1/incidents/${body.id}`, { state: 'triaged' }), {
    status: 409,
    body: { code: 'bad_transition' },
  })
})

t.test('the API describes itself', async (t) => {
  const { ask } = await serve(t)
  const { body } = await ask('GET', '/openapi.json', undefined, null)
  const { valid, errors } = await new Validator().validate(body as Record<string, unknown>)
  t.ok(valid, JSON.stringify(errors))
  t.ok(Object.keys(body.paths).includes('/v1/incidents/{id}'))
})
