import t from 'tap'
import { verifyCoseReceipt } from '../../../proofs/cose-receipt.js'
import { leafHash } from '../../../proofs/hashing.js'
import { parsePolicy } from '../../../proofs/policy.js'
import { encodeEntryBundle } from '../../../proofs/tile.js'
import { agent, batch, note, trust } from '../sample-log.js'
import { ask, jsonOf, post, start } from '../sample-role.js'

const BUNDLE = { 'content-type': 'application/x.portcullis.entries' }

void t.test('a receipt comes as COSE to whoever asks for it', async (t) => {
  const data = t.testdir()
  t.teardown(() => running.stop())
  const alice = agent('alice')
  await trust(data, alice)
  const running = await start(data)
  const policy = async () => parsePolicy((await ask(data, '/.well-known/ledger-policy')).body)
  for (let seq = 0; seq < 3; seq++) await post(data, note(alice, { seq }))
  for (let index = 0; index < 3; index++) {
    const entry = (await ask(data, `/v1/entries/${index}`)).body
    const headers = { accept: 'application/cose' }
    const { body } = await ask(data, `/v1/entries/${index}/receipt`, { headers })
    t.match(verifyCoseReceipt(body, leafHash(entry), await policy()), { index, size: 3 })
  }
  t.equal((await ask(data, '/v1/entries/3/receipt', { headers: { accept: 'application/cose' } })).status, 404)
})

void t.test('whoever does not wait is told where the entry will be', async (t) => {
  const data = t.testdir()
  t.teardown(() => running.stop())
  const alice = agent('alice')
  await trust(data, alice)
  const running = await start(data)
  const send = (body: Uint8Array, headers = {}) =>
    ask(data, '/v1/entries?wait=0', {
      method: 'POST',
      headers: { 'content-type': 'text/x.portcullis.note', ...headers },
      body,
    })
  const one = note(alice)
  const accepted = await send(one)
  t.equal(accepted.status, 202)
  t.same(jsonOf(accepted), { entries: 1 })
  // Its own append ends after the one before it.
  t.equal((await post(data, note(alice))).status, 201)
  t.same((await ask(data, String(accepted.headers['location']))).body, Buffer.from(one))
  t.equal((await send(one)).status, 200, 'what is there is answered at once')
  const sealed = await send(encodeEntryBundle(batch(alice, 2, 3)), BUNDLE)
  t.equal(sealed.status, 202)
  await post(data, note(alice))
  t.equal((await ask(data, String(sealed.headers['location']))).status, 200)

  t.equal((await send(note(agent('mallory')))).status, 403, 'what is not good is refused as ever')
  const { id } = JSON.parse(Buffer.from(one).toString().split('\n')[1]!) as { id: string }
  t.equal((await send(note(alice, { id, seq: 9 }))).status, 409)
  const odd = await ask(data, '/v1/entries?wait=1', { method: 'POST', body: one })
  t.match(jsonOf(odd), { code: 'bad_request', detail: /wait/ })
})
