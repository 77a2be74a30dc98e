/** Whether every status that the OpenAPI document gives a route is one that it answers with. */
import { readdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { signRegistration, signRevocation, signRotation } from '../../../proofs/key-actions.js'
import type { NoteSigner } from '../../../proofs/note-key.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { ROUTES, createApi } from '../../../ledger/api/routes.js'
import type { LedgerApi } from '../../../ledger/api/routes.js'
import { makeRequest } from '../../../ledger/keys/request.js'
import { sample } from '../anchor/sample-anchoring.js'
import { agent, clock, note, open } from '../sample-log.js'
import { ask, jsonOf, post, start, TOKEN } from '../sample-role.js'
import { lineOf, LOOPBACK, makeLog, witness } from '../witnessing/sample-witnesses.js'
import { assertConforms, unanswered } from './conformance.js'

const NOTE = 'text/x.portcullis.note'
const ID = '018f0000-0000-7000-8000-000000000001'

/** For each route that reads a target that is there, and one that is not when there can be none. */
const READS: Readonly<Record<string, readonly [there: string, missing?: string]>> = {
  getCheckpoint: ['/checkpoint'],
  getTile: ['/tile/entries/000.p/1', '/tile/0/009'],
  getEntry: ['/v1/entries/0', '/v1/entries/99'],
  getProof: ['/v1/entries/0/proof', '/v1/entries/99/proof'],
  getReceipt: ['/v1/entries/0/receipt', '/v1/entries/99/receipt'],
  getConsistency: ['/v1/consistency?from=1', '/v1/consistency?from=1&to=99'],
  getSession: ['/v1/sessions/session-1', '/v1/sessions/none'],
  getBundle: ['/v1/bundle/session-1', '/v1/bundle/none'],
  lookUp: [`/v1/lookup?leaf=${'00'.repeat(32)}`],
  getKeys: ['/v1/keys'],
  getAgent: ['/v1/agents/alice', '/v1/agents/nobody'],
  getWitnessed: ['/v1/checkpoint/witnessed'],
  getEquivocations: ['/v1/equivocations'],
  getAnchors: ['/v1/anchors'],
  getAnchorsCovering: ['/v1/anchors/1', '/v1/anchors/99'],
  getPolicy: ['/.well-known/ledger-policy'],
  getHealth: ['/health'],
  getMetrics: ['/metrics'],
  getOpenApi: ['/openapi.json'],
}
const WRITES: Readonly<Record<string, string>> = {
  postEntries: '/v1/entries',
  registerKey: '/v1/keys',
  rotateKey: '/v1/keys/carol/rotate',
  revokeKey: '/v1/keys/carol/revoke',
  verify: '/v1/verify',
}
const targetOf = (name: string): string => READS[name]?.[0] ?? WRITES[name] ?? ''

/** A request to an API that no server stands before, held against the document as well. */
async function direct(api: LedgerApi, target: string, body?: Uint8Array): Promise<number> {
  const method = body === undefined ? 'GET' : 'POST'
  const request = { method, target, channel: 'local' as const, contentType: NOTE }
  const answer = await api({ ...request, body: body ?? new Uint8Array(0) })
  assertConforms(method, target, answer)
  return answer.status
}

/** Entries that introduce, rotate and revoke one key, signed by the root. */
function keyEntries(root: NoteSigner, origin: string, session: string, id = () => uuidv7(clock.now())) {
  const [carol, next] = [agent('carol'), agent('carol')]
  const context = () => ({ id: id(), session, ts: clock.now() })
  return {
    registerKey: signRegistration(makeRequest(carol, origin), root, context()),
    rotateKey: signRotation(carol, next, { origin, nonce: '0'.repeat(32) }, context()),
    revokeKey: signRevocation(next, root, 'retired', context()),
  }
}

void t.test('what is there, what is not, and who may not ask', async (t) => {
  const folder = t.testdir({ log: {}, witness: {} })
  const data = join(folder, 'log')
  const { vkey, alice } = await makeLog(data)
  const one = await witness(join(folder, 'witness'), vkey)
  t.teardown(() => one.stop())
  const policy = `${lineOf('w', one)}\nquorum w\n`
  const config = { reads: 'token', witnesses: { policy, interval_seconds: 0 } }
  const running = await start(data, { tcp: true, config, outbound: LOOPBACK })
  t.teardown(() => running.stop())
  const where = `http://${running.role.info['listen']}`
  const authorization = `Bearer ${TOKEN}`
  await ask(data, '/v1/entries?wait=witnessed', {
    method: 'POST',
    headers: { 'content-type': NOTE },
    body: note(alice),
  })
  for (const { name, method, access } of ROUTES) {
    const target = targetOf(name)
    const isRead = method === 'GET'
    const unknown = `${target}${target.includes('?') ? '&' : '?'}unknown=1`
    t.equal((await ask(where, unknown, { method, headers: { authorization } })).status, 400, name)
    if (access !== 'open') t.equal((await ask(where, target, { method })).status, 401, name)
    if (isRead && name !== 'getAnchorsCovering') t.equal((await ask(data, target)).status, 200, name)
    const missing = READS[name]?.[1]
    if (missing !== undefined) t.equal((await ask(data, missing)).status, 404, name)
  }
})

void t.test('what is posted', async (t) => {
  const data = t.testdir()
  const { origin, alice } = await makeLog(data)
  const running = await start(data)
  t.teardown(() => running.stop())
  const send = (target: string, body: Uint8Array, type = NOTE) =>
    ask(data, target, { method: 'POST', headers: { 'content-type': type }, body })
  const entries = keyEntries(alice, origin, 'keys')
  const others = keyEntries(agent('mallory'), origin, 'keys')
  for (const name of ['registerKey', 'rotateKey', 'revokeKey'] as const) {
    const target = targetOf(name)
    t.equal((await send(target, Buffer.alloc(70_000))).status, 413, name)
    t.equal((await send(target, entries[name], 'text/plain')).status, 415, name)
    t.equal((await send(target, others[name])).status, 403, name)
    t.equal((await send(target, entries[name])).status, 201, name)
    t.equal((await send(target, entries[name])).status, 200, name)
  }
  // The ids of what is there, for other entries. A rotation is signed by the agent that the key is of.
  const first = keyEntries(alice, origin, 'again', () => ID)
  t.equal((await post(data, note(alice, { id: ID }))).status, 201)
  t.equal((await send('/v1/keys', first.registerKey)).status, 409)
  t.equal((await send('/v1/keys/carol/revoke', first.revokeKey)).status, 409)
  const [dave, next] = [agent('dave'), agent('dave')]
  const context = { id: ID, session: 'dave', ts: clock.now() }
  const claim = makeRequest(dave, origin)
  t.equal((await send('/v1/keys', signRegistration(claim, alice, { ...context, id: uuidv7(0) }))).status, 201)
  t.equal((await post(data, note(dave, { id: ID }))).status, 201)
  const rotation = signRotation(dave, next, { origin, nonce: '1'.repeat(32) }, context)
  t.equal((await send('/v1/keys/dave/rotate', rotation)).status, 409)

  const entry = note(alice)
  t.equal((await send('/v1/entries?wait=0', entry)).status, 202)
  t.equal((await post(data, entry)).status, 200)
  t.equal((await post(data, entry, { 'content-type': 'text/plain' })).status, 415)
  t.equal((await post(data, note(agent('mallory')))).status, 403)
  t.equal((await post(data, note(alice, { id: ID, seq: 7 }))).status, 409)
  t.equal((await post(data, Buffer.alloc(70_000))).status, 413)
  for (const part of ['', '/proof', '/receipt'])
    t.equal((await ask(data, `/v1/entries/${ID}${part}`)).status, 409, `two agents used this id${part}`)
})

void t.test('questions for a verdict', async (t) => {
  const data = t.testdir()
  const { alice } = await makeLog(data)
  const running = await start(data)
  t.teardown(() => running.stop())
  for (let seq = 0; seq < 300; seq++) await post(data, note(alice, { seq }))
  const bundle = (await ask(data, '/v1/bundle/session-1')).body.toString()
  const policy = (await ask(data, '/.well-known/ledger-policy')).body.toString()
  const verify = (body: string, type = 'application/json') =>
    ask(data, '/v1/verify', { method: 'POST', headers: { 'content-type': type }, body: Buffer.from(body) })
  t.equal((await verify('{}', 'text/plain')).status, 415)
  t.equal((await verify('x'.repeat(1024 * 1024 + 1))).status, 413)
  const question = JSON.stringify({ bundle, policy })
  t.equal((await verify(question)).status, 200)
  let refused
  for (let asked = 0; asked < 1_000 && refused?.status !== 429; asked++) refused = await verify(question)
  t.match(refused, { status: 429, headers: { 'retry-after': /^[0-9]+$/ } })
})

void t.test('entries that the disk does not give back any more', async (t) => {
  const data = t.testdir()
  const { alice } = await makeLog(data)
  const running = await start(data)
  t.teardown(() => running.stop())
  t.equal((await post(data, note(alice))).status, 201)
  const folder = join(data, 'ledger', 'wal')
  for (const name of await readdir(folder)) await truncate(join(folder, name), 100)
  const damaged = ['getEntry', 'getProof', 'getReceipt', 'getBundle', 'getTile']
  for (const name of damaged) {
    const answer = await ask(data, targetOf(name), { headers: { accept: 'application/json' } })
    t.equal(answer.status, 500, name)
    t.match(jsonOf(answer), { code: 'internal', detail: 'the ledger could not answer' })
  }
  t.equal((await ask(data, '/checkpoint')).status, 200)
})

void t.test('a writer that stops', async (t) => {
  const [alice, dave, next] = [agent('alice'), agent('dave'), agent('dave')]
  const log = await open(join(t.testdir(), 'ledger'), [alice, dave])
  const api = createApi(log)
  const { origin } = log.identity
  const entries = keyEntries(alice, origin, 'keys')
  const context = { id: ID, session: 'dave', ts: clock.now() }
  const rotation = signRotation(dave, next, { origin, nonce: '0'.repeat(32) }, context)
  // A ledger that a command opened for itself has no metrics, and offers no policy unless it is given one.
  for (const name of ['getMetrics', 'getPolicy', 'getWitnessed'])
    t.equal(await direct(api, targetOf(name)), 404, name)
  await log.close()
  t.equal(await direct(api, '/v1/entries', note(alice)), 503)
  t.equal(await direct(api, '/v1/keys', entries.registerKey), 503)
  t.equal(await direct(api, '/v1/keys/dave/rotate', rotation), 503)
  t.equal(await direct(api, '/v1/keys/carol/revoke', entries.revokeKey), 503)
  t.equal(await direct(api, '/health'), 503)
})

void t.test('a log on a chain', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  const api = createApi(s.log, { anchors: s.anchoring })
  await s.pass()
  await s.chain.mine(4)
  await s.pass()
  t.equal(await direct(api, '/v1/anchors/3'), 200)
  t.equal(await direct(api, '/v1/anchors/4'), 404)
})

void t.test('there is no status in the document that no route answered with', async (t) => {
  t.same(unanswered(), [])
})
